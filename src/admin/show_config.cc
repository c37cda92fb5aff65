#include "admin/commands.h"
#include "admin/table.h"
#include "config/settings.h"

namespace remuda::admin {
namespace {

using wire::oid::kText;

constexpr Column kConfigColumns[] = {
    {"key", kText},
    {"value", kText},
    {"default", kText},
    {"changeable", kText},
};

std::optional<std::string> shown(const config::Config& config, const config::Setting& setting) {
  const std::optional<std::string> value = config::show_value(config, setting);
  return config::is_secret(setting) && value != "" ? "****" : value;
}

}  // namespace

Answer show_config(Call& call) {
  const config::Config& config = *call.control.snapshot().config;
  Table table(kConfigColumns);
  for (const config::Setting& setting : config::settings()) {
    Row row = {text(setting.name), text_or_null(shown(config, setting)),
               text_or_null(config::default_value(setting)),
               text(setting.reloadable ? "yes" : "no")};
    table.add(std::move(row));
  }
  co_return table.messages();
}

}  // namespace remuda::admin
