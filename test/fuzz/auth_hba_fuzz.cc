// HBA files. Input: the text of a file, which may include itself as "main", alone or by directory.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "auth/hba.h"
#include "remuda/base/error.h"

namespace remuda::auth {
namespace {

constexpr int kMaxOpened = 20;  // more only takes time

std::vector<HbaClient> clients() {
  std::vector<HbaClient> all;
  for (const char* address : {"127.0.0.1", "10.1.2.3", "::1"}) {
    for (const bool flag : {false, true}) {
      HbaClient client;
      client.is_tls = flag;
      client.address = io::Address::numeric(address, 1).value();
      client.user = flag ? "alice" : "db";
      client.database = "db";
      all.push_back(client);
      client.is_physical_replication = true;
      all.push_back(client);
    }
  }
  HbaClient local;
  local.is_unix = true;
  local.user = "alice";
  local.database = "db";
  all.push_back(local);
  return all;
}

// Every question ends in an answer, once each fact has been given at most once.
void ask(const HbaRules& rules, const HbaClient& client) {
  HbaFacts facts;
  HbaAnswer answer = rules.find(client, facts);
  while (answer.needs != HbaNeeds::nothing) {
    REMUDA_CHECK(answer.rule == nullptr);
    if (answer.needs == HbaNeeds::groups) {
      REMUDA_CHECK(!facts.groups);
      facts.groups = {"staff"};
    } else if (answer.needs == HbaNeeds::host_name) {
      REMUDA_CHECK(!facts.host_name);
      facts.host_name = "db.example.org";
    } else {
      REMUDA_CHECK(!facts.local_networks);
      facts.local_networks.emplace();
    }
    answer = rules.find(client, facts);
  }
  if (answer.rule == nullptr) return;
  REMUDA_CHECK((answer.rule->connection == HbaConnection::local) == client.is_unix);
  REMUDA_CHECK(answer.rule->connection != HbaConnection::host_ssl || client.is_tls);
  REMUDA_CHECK(answer.rule->connection != HbaConnection::host_no_ssl || !client.is_tls);
}

void check(const std::string& text) {
  const auto read = [&text, opened = 0](const std::string& path) mutable {
    if (!path.ends_with("main") || ++opened > kMaxOpened) throw SystemError(ENOENT, path);
    return text;
  };
  const auto list = [](const std::string&) { return std::vector<std::string>{"a.conf", "b"}; };
  std::vector<std::string> messages;
  const IdentMaps idents =
      IdentMaps::read("ident", {[](const std::string&) { return "m a b"; }, list}, messages);
  const HbaRules rules = HbaRules::read("main", {read, list}, idents, messages);
  REMUDA_CHECK(messages.size() <= kMaxHbaMessages + 2 && rules.rules().size() <= kMaxHbaRules);
  for (const std::string& message : messages) REMUDA_CHECK(!message.empty());
  for (const HbaRule& rule : rules.rules()) REMUDA_CHECK(rule.line > 0);
  for (const HbaClient& client : clients()) ask(rules, client);
}

}  // namespace
}  // namespace remuda::auth

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  remuda::auth::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
