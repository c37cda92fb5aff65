#include "proxy/connect_settings.h"

#include "proxy/worker.h"
#include "remuda/session/statement_effects.h"

namespace remuda::proxy {

session::ParameterSetRef connect_settings(Worker& worker, const config::Database& database,
                                          const session::ParameterSet& reported) {
  const bool is_on = worker.config().track_session_settings == config::TrackSettings::on;
  session::SettingsJournal journal(worker.parameters.empty_set());
  if (is_on && database.connect_query) {
    session::apply_text(journal, *database.connect_query, reported);
  }
  return journal.has();
}

}  // namespace remuda::proxy
