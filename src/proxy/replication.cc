#include "proxy/replication.h"

#include <algorithm>

#include "proxy/admission.h"
#include "proxy/dial.h"
#include "proxy/pool_shard.h"
#include "proxy/server.h"

namespace remuda::proxy {
namespace {

// Not empty, and the beginning of the word, whatever the case.
bool is_prefix(ByteView text, ByteView word) noexcept {
  return !text.empty() && text.size() <= word.size() &&
         session::same_name(text, word.substr(0, text.size()));
}

// What the client gave, behind what says who and where.
std::vector<wire::Parameter> startup_of(const Admission& admission) {
  std::vector<wire::Parameter> startup;
  const bool is_logical = admission.replication == Replication::logical;
  startup.emplace_back("replication", is_logical ? "database" : "true");
  for (const auto& [name, value] : admission.parameters) startup.emplace_back(name, value);
  if (!admission.options.empty()) startup.emplace_back("options", admission.options);
  return startup;
}

}  // namespace

Replication parse_replication(ByteView text) noexcept {
  if (text == "database") return Replication::logical;
  const bool is_true = is_prefix(text, "true") || is_prefix(text, "yes") || text == "1" ||
                       session::same_name(text, "on");
  return is_true ? Replication::physical : Replication::none;
}

const char* to_text(Replication replication) noexcept {
  if (replication == Replication::none) return "none";
  return replication == Replication::logical ? "logical" : "physical";
}

io::Task<OwnServer> open_own_server(PoolShard& pool, const Admission& admission,
                                    io::Deadline& deadline) {
  const PoolShard::Hold hold(pool);
  std::vector<wire::Parameter> startup = startup_of(admission);
  const Replication replication = admission.replication;
  Slot slot = co_await pool.room(deadline);
  const PoolShard::OwnDial counted(pool);
  OwnServer own = co_await dial_own(pool, std::move(slot), replication, std::move(startup));
  co_return own;
}

}  // namespace remuda::proxy
