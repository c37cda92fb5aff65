// Against a directory of a few canned bytes; test/integration/ldap_test.cc has a real one.
#include "auth/ldap.h"

#include <poll.h>
#include <unistd.h>

#include <thread>

#include "support/catch.h"
#include "support/listening_socket.h"
#include "unit/io/run_until.h"

namespace remuda::auth::ldap_test {
#ifdef REMUDA_HAVE_LDAP
namespace {

// LDAPResult to the first request of a connection (RFC 4511, section 4.2.2).
std::string bind_response(char code) {
  return std::string("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01", 9) + code +
         std::string("\x04\x00\x04\x00", 4);
}
constexpr char kSuccess = 0;
constexpr char kUnavailable = 52;
constexpr char kInvalidCredentials = 49;

// Answers the first request of every connection with the next of some answers, in the end always
// with the last, and keeps what it was sent.
class FakeDirectory {
 public:
  explicit FakeDirectory(std::vector<std::string> answers) : answers_(std::move(answers)) {
    REQUIRE(pipe(stop_) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeDirectory() {
    end();
    for (const int fd : open_) close(fd);
    for (const int fd : stop_) close(fd);
  }

  int port() const { return listener_.port(); }
  // What every connection began with; it answers no more.
  const std::vector<std::string>& requests() {
    end();
    return requests_;
  }

 private:
  void end() {
    if (!thread_.joinable()) return;
    REQUIRE(write(stop_[1], "x", 1) == 1);
    thread_.join();
  }
  void serve() {
    while (true) {
      pollfd wanted[] = {{listener_.fd(), POLLIN, 0}, {stop_[0], POLLIN, 0}};
      poll(wanted, 2, -1);
      // Who came before the end is still counted.
      if ((wanted[0].revents & POLLIN) == 0) return;
      const int fd = listener_.accept();
      open_.push_back(fd);
      char request[4096];
      const ssize_t size = read(fd, request, sizeof request);
      requests_.emplace_back(request, static_cast<size_t>(std::max<ssize_t>(size, 0)));
      const std::string& answer = answers_[std::min(requests_.size(), answers_.size()) - 1];
      [[maybe_unused]] const ssize_t sent = write(fd, answer.data(), answer.size());
    }
  }

  const std::vector<std::string> answers_;
  const test::ListeningSocket listener_;
  int stop_[2] = {-1, -1};
  std::vector<int> open_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

LdapOptions options_for(int port, const std::string& words) {
  std::vector<std::string> faults;
  const std::string place = " ldapport=" + std::to_string(port);
  const auto options = parse_ldap_options(words + place, faults);
  REQUIRE(options);
  return *options;
}

struct Login {
  io::Loop loop;
  io::OffloadLimit limit{loop, 2};
  LdapLimits limits;

  bool operator()(const LdapOptions& options, const std::string& user,
                  const std::string& password) {
    return io::finish(loop, ldap_check(loop, limit, options, user, password, limits));
  }
};

const std::string kBind = "ldapserver=127.0.0.1 ldapprefix=\"uid=\" ldapsuffix=\",dc=net\"";
const std::string kSearch = "ldapserver=127.0.0.1 ldapbasedn=\"dc=net\"";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("LDAP: name and password go to the directory, whose answer counts") {
  for (const char code : {kSuccess, kInvalidCredentials}) {
    FakeDirectory directory({bind_response(code)});
    Login log_in;
    CHECK(log_in(options_for(directory.port(), kBind), "bob", "secret") == (code == kSuccess));
    REQUIRE(directory.requests().size() == 1);
    CHECK(contains(directory.requests()[0], "uid=bob,dc=net"));
    CHECK(contains(directory.requests()[0], "secret"));
  }
}

TEST_CASE("LDAP: an empty password is not sent: a directory says yes to it") {
  FakeDirectory directory({bind_response(kSuccess)});
  Login log_in;
  CHECK_FALSE(log_in(options_for(directory.port(), kBind), "bob", ""));
  CHECK_FALSE(log_in(options_for(directory.port(), kBind), "bob", std::string("\0x", 2)));
  CHECK(directory.requests().empty());
}

TEST_CASE("LDAP: a name that could be more than a name is not sent") {
  FakeDirectory directory({bind_response(kSuccess)});
  Login log_in;
  CHECK_FALSE(log_in(options_for(directory.port(), kBind), "bob,cn=x", "secret"));
  CHECK_FALSE(log_in(options_for(directory.port(), kBind), "", "secret"));
  CHECK_FALSE(log_in(options_for(directory.port(), kSearch), "*", "secret"));
  CHECK_FALSE(log_in(options_for(directory.port(), kSearch), "x)(uid=bob", "secret"));
  CHECK(directory.requests().empty());
}

TEST_CASE("LDAP: a server that cannot say leaves it to the next one, a no is final") {
  struct Case {
    std::string first;
    bool is_final;
  };
  const auto [first, is_final] = GENERATE(values<Case>({
      {bind_response(kUnavailable), false},
      {"\x30\x03\x02\x01\x05", false},
      {bind_response(kInvalidCredentials), true},
  }));
  FakeDirectory directory({first, bind_response(kSuccess)});
  LdapOptions options = options_for(directory.port(), kBind);
  options.servers = {"127.0.0.1", "127.0.0.1"};
  Login log_in;
  log_in.limits.step = kSecond / 10;
  CHECK(log_in(options, "bob", "secret") == !is_final);
  CHECK(directory.requests().size() == (is_final ? 1 : 2));
}

TEST_CASE("LDAP: when the time for all is over no further server is asked") {
  FakeDirectory directory({"", bind_response(kSuccess)});
  LdapOptions options = options_for(directory.port(), kBind);
  options.servers = {"127.0.0.1", "127.0.0.1"};
  Login log_in;
  log_in.limits.all = kSecond / 10;
  CHECK_FALSE(log_in(options, "bob", "secret"));
  CHECK(directory.requests().size() == 1);
}

TEST_CASE("LDAP: servers where nobody listens are passed over") {
  FakeDirectory directory({bind_response(kSuccess)});
  LdapOptions options = options_for(directory.port(), kBind);
  options.servers = {"127.0.0.2", "127.0.0.1"};
  Login log_in;
  CHECK(log_in(options, "bob", "secret"));
}

TEST_CASE("LDAP: a server that falls silent ends in a no") {
  struct Case {
    std::string answer;
    std::string words;
  };
  const std::string half = bind_response(kSuccess).substr(0, 5);
  // Tags of the application: 24 is ExtendedResponse, here the yes to StartTLS.
  const std::string tls_yes("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00", 14);
  const auto [answer, words] = GENERATE_COPY(values<Case>({{"", ""},
                                                           {half, ""},
                                                           {"", " ldapscheme=ldaps"},
                                                           {"\x16\x03", " ldapscheme=ldaps"},
                                                           {"", " ldaptls=1"},
                                                           {half, " ldaptls=1"},
                                                           {tls_yes, " ldaptls=1"}}));
  INFO("answer of " << answer.size() << " bytes" << words);
  FakeDirectory directory({answer});
  Login log_in;
  log_in.limits.step = kSecond / 10;
  CHECK_FALSE(log_in(options_for(directory.port(), kBind + words), "bob", "secret"));
  REQUIRE(directory.requests().size() == 1);
  CHECK(contains(directory.requests()[0], "secret") == words.empty());
}

TEST_CASE("LDAP: a missing bindpasswd file ends in a no") {
  FakeDirectory directory({bind_response(kSuccess)});
  Login log_in;
  const LdapOptions options = options_for(
      directory.port(), kSearch + " ldapbinddn=cn=x ldapbindpasswdfile=/nonexistent/secret");
  CHECK_FALSE(log_in(options, "bob", "secret"));
  CHECK(directory.requests().empty());
}

#else

TEST_CASE("LDAP: a build without libldap says so") {
  io::Loop loop;
  io::OffloadLimit limit(loop, 1);
  auto task = ldap_check(loop, limit, {}, "bob", "secret");
  CHECK_THROWS_WITH(io::finish(loop, std::move(task)), "ldap is not supported by this build");
}

#endif
}  // namespace remuda::auth::ldap_test
