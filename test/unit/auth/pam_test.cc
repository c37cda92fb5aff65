// Against libpam with service files of our own.
#include "auth/pam.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::auth::pam_test {
#ifdef REMUDA_HAVE_PAM
namespace {

namespace fs = std::filesystem;

// A directory of service files; gone with the object.
class Services {
 public:
  Services() {
    std::string pattern = fs::temp_directory_path() / "remuda-pam-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    // What counts for services without a file.
    add("other", "auth required pam_deny.so\naccount required pam_deny.so\n");
  }
  ~Services() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  // A stack of modules.
  void add(const std::string& service, const std::string& text) {
    std::ofstream(path_ + "/" + service) << text;
  }
  // Asks this script: it has the password on its input, name, host and so on as variables.
  void add_script(const std::string& service, const std::string& script) {
    const std::string file = path_ + "/" + service + ".sh";
    std::ofstream(file) << "#!/bin/sh\npassword=$(tr -d '\\000')\n" << script;
    chmod(file.c_str(), 0700);
    add(service, "auth required pam_exec.so expose_authtok quiet " + file +
                     "\naccount required pam_permit.so\n");
  }

  bool log_in(const std::string& service, const std::string& user, const std::string& password) {
    return io::finish(loop_, pam_check(loop_, limit_, service, user, password, "192.0.2.7", path_));
  }
  // The same for many at a time.
  std::vector<bool> log_in_all(const std::string& service, const std::string& user,
                               const std::vector<std::string>& passwords) {
    std::vector<io::Task<bool>> tasks;
    for (const auto& password : passwords)
      tasks.push_back(pam_check(loop_, limit_, service, user, password, "192.0.2.7", path_));
    std::vector<bool> answers;
    for (auto& task : tasks) answers.push_back(io::finish(loop_, std::move(task)));
    return answers;
  }
  io::Loop& loop() { return loop_; }
  io::OffloadLimit& limit() { return limit_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  io::Loop loop_;
  io::OffloadLimit limit_{loop_, 4};
  std::string path_;
};

}  // namespace

TEST_CASE("PAM: the answer of the stack counts, of authentication and of the account") {
  Services services;
  services.add("yes", "auth required pam_permit.so\naccount required pam_permit.so\n");
  services.add("no", "auth required pam_deny.so\naccount required pam_permit.so\n");
  services.add("expired", "auth required pam_permit.so\naccount required pam_deny.so\n");
  services.add("no-account", "auth required pam_permit.so\n");
  CHECK(services.log_in("yes", "bob", "secret"));
  CHECK_FALSE(services.log_in("no", "bob", "secret"));
  CHECK_FALSE(services.log_in("expired", "bob", "secret"));
  CHECK_FALSE(services.log_in("no-account", "bob", "secret"));
  CHECK_FALSE(services.log_in("unknown", "bob", "secret"));
}

TEST_CASE("PAM: modules get name, password, host and service") {
  Services services;
  services.add_script("checked",
                      "[ \"$PAM_USER\" = bob ] && [ \"$password\" = 'se cret' ] && "
                      "[ \"$PAM_RHOST\" = 192.0.2.7 ] && [ \"$PAM_SERVICE\" = checked ]\n");
  CHECK(services.log_in("checked", "bob", "se cret"));
  CHECK_FALSE(services.log_in("checked", "bob", "se"));
  CHECK_FALSE(services.log_in("checked", "alice", "se cret"));
}

TEST_CASE("PAM: an empty password or name, or one with a zero byte, is not asked about") {
  Services services;
  services.add_script("any", "touch " + services.file("asked") + "\n");
  CHECK_FALSE(services.log_in("any", "bob", ""));
  CHECK_FALSE(services.log_in("any", "", "secret"));
  CHECK_FALSE(services.log_in("any", "bob", std::string("secret\0x", 8)));
  CHECK_FALSE(services.log_in("any", std::string("bob\0x", 5), "secret"));
  CHECK_FALSE(fs::exists(services.file("asked")));
  CHECK(services.log_in("any", "bob", "secret"));
  CHECK(fs::exists(services.file("asked")));
}

TEST_CASE("PAM: many at a time do not mix up their passwords") {
  Services services;
  services.add_script("checked", "[ \"$password\" = right ]\n");
  std::vector<std::string> passwords;
  std::vector<bool> expected;
  for (int i = 0; i < 24; ++i) {
    expected.push_back(i % 3 != 0);
    passwords.push_back(expected.back() ? "right" : "wrong" + std::to_string(i));
  }
  CHECK(services.log_in_all("checked", "bob", passwords) == expected);
}

TEST_CASE("PAM: the pause after a failure is taken, but not by a thread") {
  Services services;
  services.add("slow",
               "auth optional pam_faildelay.so delay=500000\nauth required pam_deny.so\n"
               "account required pam_permit.so\n");
  io::Loop& loop = services.loop();
  io::OffloadLimit& limit = services.limit();
  io::Task<bool> task =
      pam_check(loop, limit, "slow", "bob", "wrong", "192.0.2.7", services.file("."));
  CHECK(limit.running() == 1);
  io::run_until(loop, [&] { return limit.running() == 0; });
  CHECK_FALSE(task.is_done());
  CHECK_FALSE(io::finish(loop, std::move(task)));
}

#else

TEST_CASE("PAM: a build without libpam says so") {
  io::Loop loop;
  io::OffloadLimit limit(loop, 1);
  auto task = pam_check(loop, limit, "s", "bob", "secret", "h");
  CHECK_THROWS_WITH(io::finish(loop, std::move(task)), "pam is not supported by this build");
}

#endif
}  // namespace remuda::auth::pam_test
