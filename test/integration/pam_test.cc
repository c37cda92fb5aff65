// Logins that PAM decides.
#include <signal.h>

#include "support/catch.h"
#include "support/pam_service.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::pam_test {
namespace {

constexpr const char* kTrusted = "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n";
constexpr const char* kRefusal = "PAM authentication failed";

std::string ini_with(const std::string& databases) {
  return ini_text("auth_type = pam", databases);
}

bool can_test() {
  const std::string obstacle = PamService::obstacle();
  if (!obstacle.empty()) WARN("PAM is not tested: " << obstacle);
  return obstacle.empty();
}

}  // namespace

TEST_CASE("PAM decides who gets in") {
  if (!can_test()) return;
  PamService service;
  Remuda remuda(ini_with(kTrusted));
  CHECK(remuda.connect("p0", "alice", "alice-secret").value("SELECT current_user") == "trust_user");
  CHECK(service.hosts() == "127.0.0.1\n");
  for (const auto& [user, password] : {std::pair{"alice", "wrong"}, std::pair{"nobody", "x"}}) {
    const PqError refused = remuda.refusal("p0", user, password);
    CHECK(refused.message == kRefusal);
    CHECK(refused.sqlstate == "08P01");
  }
}

TEST_CASE("PAM: an account that may not be used is refused in spite of its password") {
  if (!can_test()) return;
  PamService service;
  Remuda remuda(ini_with(kTrusted));
  CHECK(remuda.refusal("p0", "locked", "locked-secret").message == kRefusal);
  CHECK(remuda.wait_log("pam_acct_mgmt() failed for user \"locked\""));
}

TEST_CASE("PAM: without a service nobody gets in") {
  if (!can_test()) return;
  Remuda remuda(ini_with(kTrusted));
  CHECK(remuda.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("PAM: an empty password is refused, a long one is passed on") {
  if (!can_test()) return;
  PamService service;
  Remuda remuda(ini_with(kTrusted));
  RawClient client(remuda.port());
  client.send(startup({{"user", "alice"}, {"database", "p0"}}));
  client.expect('R');
  client.send(packet('p', cstr("")));
  CHECK(notice_fields(client.expect('E'))['M'] == "empty password returned by client");
  CHECK(service.hosts().empty());
  CHECK(remuda.refusal("p0", "alice", std::string(600, 'x')).message == kRefusal);
  CHECK(service.hosts() == "127.0.0.1\n");
}

TEST_CASE("PAM: the client's password is used towards the server") {
  if (!can_test()) return;
  PamService service;
  Remuda remuda(ini_with("p0 = host=127.0.0.1 port={pg_port}\n"), "\"postgres\" \"x\"\n");
  CHECK(remuda.connect("p0", "plain_user", "plain-secret").value("SELECT current_user") ==
        "plain_user");
}

TEST_CASE("PAM: no password gets into the log") {
  if (!can_test()) return;
  PamService service;
  Remuda remuda(ini_with(kTrusted) + "verbose = 2\n");
  CHECK(remuda.connect("p0", "alice", "alice-secret").value("SELECT 1") == "1");
  CHECK(remuda.refusal("p0", "alice", "not-her-secret").message == kRefusal);
  remuda.signal(SIGQUIT);
  CHECK(remuda.wait_exit());
  CHECK(remuda.log().find("-secret") == std::string::npos);
}

}  // namespace remuda::test::pam_test
