// Files of the process: log, pid file, system log; and the user it becomes.
#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/remuda_process.h"

namespace remuda::test::background_test {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string pid_file_ini(const std::string& path) {
  return ini_text("pidfile = " + path);
}

// The system log of this machine, played by the test. Empty name: there is one, or we may not.
class SystemLog {
 public:
  SystemLog() {
    struct stat status {};
    if (geteuid() != 0 || lstat(kPath, &status) == 0) return;
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string(kPath).copy(address.sun_path, sizeof address.sun_path - 1);
    is_open_ = bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (is_open_) chmod(kPath, 0777);
  }
  ~SystemLog() {
    if (is_open_) unlink(kPath);
    if (fd_ >= 0) close(fd_);
  }
  SystemLog(const SystemLog&) = delete;
  SystemLog& operator=(const SystemLog&) = delete;

  bool is_open() const { return is_open_; }
  // The first line with this text.
  std::string line_with(const std::string& text) const {
    std::string line;
    eventually([&] {
      char buffer[4096];
      const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      line.assign(buffer, n > 0 ? static_cast<size_t>(n) : 0);
      return has(line, text);
    });
    return line;
  }

 private:
  static constexpr const char* kPath = "/dev/log";
  int fd_ = -1;
  bool is_open_ = false;
};

}  // namespace

TEST_CASE("a rotated log file is written anew after SIGHUP and RELOAD") {
  TempDir logs;
  const std::string file = logs.file("remuda.log");
  Remuda remuda(ini_text("logfile = " + file));
  REQUIRE(eventually([&] { return has(read_file(file), "process up"); }));
  rename(file.c_str(), logs.file("old").c_str());
  remuda.signal(SIGHUP);
  REQUIRE(eventually([&] { return access(file.c_str(), F_OK) == 0; }));
  remuda.console().exec("SHOW VERSION");
  CHECK(eventually([&] { return has(read_file(file), "login attempt: db=pgbouncer"); }));
  CHECK_FALSE(has(read_file(logs.file("old")), "login attempt: db=pgbouncer"));
  rename(file.c_str(), logs.file("old").c_str());
  remuda.reload();
  CHECK(access(file.c_str(), F_OK) == 0);
}

TEST_CASE("a log file that cannot be opened ends the start, but not a reload") {
  const FailedStart failed = failed_start(ini_text("logfile = /nowhere/remuda.log"));
  CHECK(failed.code == 1);
  CHECK(has(failed.output, "could not open log file '/nowhere/remuda.log'"));
  Remuda remuda;
  remuda.write_ini(ini_text("logfile = /nowhere/remuda.log"));
  remuda.reload();
  CHECK(remuda.wait_log("keeping the old log"));
}

TEST_CASE("a pid file of a live process, or of nobody knows whom, keeps another from starting") {
  TempDir dir;
  const std::string path = dir.file("pid");
  // Our own pid stands for a live process, 1 for one that is not ours to signal.
  for (const std::string& content : {std::to_string(getpid()) + "\n", std::string("1\n"),
                                     std::string("no number\n"), std::string()}) {
    CAPTURE(content);
    write_file(path, content);
    const FailedStart failed = failed_start(pid_file_ini(path));
    CHECK(failed.code == 1);
    CHECK(has(failed.output, fmt::format("pidfile '{}' exists, another instance running?", path)));
    CHECK(read_file(path) == content);
  }
}

TEST_CASE("a pid file that cannot be written ends the start") {
  const FailedStart failed = failed_start(pid_file_ini("/nowhere/pid"));
  CHECK(failed.code == 1);
  CHECK(has(failed.output, "could not open pidfile '/nowhere/pid'"));
}

TEST_CASE("the pid file can be read by all and goes with the process") {
  TempDir dir;
  Remuda remuda(pid_file_ini(dir.file("pid")));
  CHECK(read_file(dir.file("pid")) == std::to_string(remuda.pid()) + "\n");
  struct stat status {};
  REQUIRE(stat(dir.file("pid").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777 & ~0022) == 0644);
  remuda.signal(SIGINT);
  CHECK(remuda.wait_exit() == 0);
  CHECK(access(dir.file("pid").c_str(), F_OK) != 0);
}

TEST_CASE("syslog has the lines, with name, facility and priority as they are set") {
  SystemLog system_log;
  if (!system_log.is_open()) {
    WARN("not root, or there is a system log: left out");
    return;
  }
  Remuda remuda(ini_text("syslog = 1\nsyslog_ident = my-pooler\nsyslog_facility = local3"));
  constexpr int kInfoOfLocal3 = 19 * 8 + 6;
  const std::string line = system_log.line_with("process up");
  CHECK(line.starts_with(fmt::format("<{}>", kInfoOfLocal3)));
  CHECK(has(line, fmt::format("my-pooler[{}]: process up", remuda.pid())));
  // A reload may change them.
  remuda.write_ini(ini_text("syslog = 1\nsyslog_ident = other"));
  remuda.reload();
  constexpr int kWarningOfDaemon = 3 * 8 + 4;
  CHECK_THROWS(remuda.connect("no_such_database"));
  CHECK(system_log.line_with("pooler error").starts_with(fmt::format("<{}>", kWarningOfDaemon)));
}

TEST_CASE("-u and the setting user change who it is, -u first") {
  if (geteuid() != 0) {
    WARN("not root: left out");
    return;
  }
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  const std::string& name = child_account().name;
  const auto start = [&](const std::string& user, std::vector<std::string> arguments) {
    const std::string output = dir.file("output" + user + std::to_string(arguments.size()));
    write_file(file, fmt::format("[databases]\n[remuda]\nlisten_addr = 127.0.0.1\n"
                                 "listen_port = {}\nunix_socket_dir =\nuser = {}\n",
                                 free_port(), user));
    arguments.insert(arguments.begin(), remuda_program());
    arguments.push_back(file);
    Process process({.argv = arguments, .output = output, .as_ourselves = true});
    if (!eventually([&] { return has(read_file(output), "process up") || !process.running(); }) ||
        !process.running()) {
      return read_file(output);
    }
    struct stat status {};
    stat(fmt::format("/proc/{}", process.pid()).c_str(), &status);
    process.signal(SIGQUIT);
    CHECK(process.wait_exit() == 0);
    return std::to_string(status.st_uid);
  };
  const std::string uid = std::to_string(child_account().uid);
  CHECK(start(name, {}) == uid);
  CHECK(start("no_such_user", {"-u", name}) == uid);
  CHECK(has(start("no_such_user", {}), "could not find user 'no_such_user' to switch to"));
}

}  // namespace remuda::test::background_test
