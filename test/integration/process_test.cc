// What the program tells a service manager, which is a datagram socket here, and the sockets it
// takes over from one.
#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/listening_socket.h"
#include "support/postgres.h"
#include "support/remuda_process.h"

namespace remuda::test::process_test {
namespace {

class ServiceManager {
 public:
  explicit ServiceManager(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    chmod(path.c_str(), 0777);
  }
  ~ServiceManager() { close(fd_); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // Whether a datagram that begins so comes; others before it are dropped.
  bool wait(const std::string& start) {
    wait_for(start);
    return last_.starts_with(start);
  }
  // All that comes up to such a datagram.
  std::string wait_for(const std::string& start) {
    std::string all;
    last_.clear();
    eventually([&] {
      char buffer[512];
      const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n <= 0) return false;
      last_.assign(buffer, static_cast<size_t>(n));
      all += last_ + '\n';
      return last_.starts_with(start);
    });
    return all;
  }

 private:
  const int fd_;
  std::string last_;
};

// Writes a remuda.ini with its user list.
void write_ini(const TempDir& dir, int port, const std::string& settings = "") {
  write_file(dir.file("users"), kUserList);
  const std::string ini = fmt::format(
      "[databases]\np0 = host=127.0.0.1 port={}\n[remuda]\nlisten_addr = 127.0.0.1\n"
      "listen_port = {}\nunix_socket_dir =\nserver_tls_sslmode = disable\nauth_type = trust\n"
      "auth_file = {}\n{}\n",
      postgres().port(), port, dir.file("users"), settings);
  write_file(dir.file("remuda.ini"), ini);
}

// Waits for this line of its output.
bool says(const TempDir& dir, const std::string& text) {
  return eventually([&] { return read_file(dir.file("output")).find(text) != std::string::npos; });
}

std::string one_at(const std::string& host, int port) {
  Pq client({.host = host, .port = port, .dbname = "p0", .user = "postgres"});
  return client.value("SELECT 1");
}

}  // namespace

TEST_CASE("the service manager is told of start, reload, life and end") {
  TempDir dir;
  ServiceManager manager(dir.file("notify"));
  const std::string file = dir.file("remuda.ini");
  write_file(file, "[databases]\n[remuda]\nlisten_addr = 127.0.0.1\nlisten_port = " +
                       std::to_string(free_port()) + "\nunix_socket_dir =\n" +
                       "server_tls_sslmode = disable\nstats_period = 1\n");
  Process process(
      {.argv = {remuda_program(), file},
       .output = dir.file("output"),
       .environment = {{"NOTIFY_SOCKET", dir.file("notify")}, {"WATCHDOG_USEC", "100000"}}});
  CHECK(manager.wait("READY=1"));
  CHECK(manager.wait("WATCHDOG=1"));
  CHECK(manager.wait("STATUS=stats: 0 xacts/s"));
  process.signal(SIGHUP);
  CHECK(manager.wait("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.wait("READY=1"));
  process.signal(SIGTERM);
  CHECK(manager.wait("STOPPING=1"));
  CHECK(process.wait_exit() == 0);
}

TEST_CASE("the watchdog is fed only by the process it is meant for") {
  TempDir dir;
  ServiceManager manager(dir.file("notify"));
  write_ini(dir, free_port());
  Process process({.argv = {remuda_program(), dir.file("remuda.ini")},
                   .output = dir.file("output"),
                   .environment = {{"NOTIFY_SOCKET", dir.file("notify")},
                                   {"WATCHDOG_PID", "1"},
                                   {"WATCHDOG_USEC", "20000"}}});
  CHECK(manager.wait("READY=1"));
  process.signal(SIGHUP);
  // Several periods have passed when the reload is told.
  CHECK(manager.wait_for("RELOADING=1").find("WATCHDOG") == std::string::npos);
  process.signal(SIGQUIT);
  CHECK(process.wait_exit() == 0);
}

TEST_CASE("sockets that the service manager passes replace those of the configuration") {
  TempDir dir;
  const ListeningSocket tcp;
  const std::string path = fmt::format("{}/.s.PGSQL.{}", dir.path(), tcp.port());
  const ListeningSocket unix_socket(path);
  // Connections that came before the start are served as well.
  const int configured = free_port();
  const std::string workers = GENERATE("workers = 1", "workers = 2");
  write_ini(dir, configured, workers);
  Process process({.argv = {remuda_program(), dir.file("remuda.ini")},
                   .output = dir.file("output"),
                   .environment = {{"LISTEN_FDNAMES", "pooler.socket:local"}},
                   .passed = {tcp.fd(), unix_socket.fd()}});
  CHECK(one_at("127.0.0.1", tcp.port()) == "1");
  CHECK(one_at(dir.path(), tcp.port()) == "1");
  CHECK(pq_error([&] { one_at("127.0.0.1", configured); }).message.find("Connection refused") !=
        std::string::npos);
  CHECK(says(dir, "sockets passed from service manager, listen_addr ignored"));
  CHECK(says(dir, "socket passed from service manager (fd 3, pooler.socket)"));
  CHECK(says(dir, "socket passed from service manager (fd 4, local)"));
  process.signal(SIGQUIT);
  CHECK(process.wait_exit() == 0);
  // The manager's socket file is not ours to remove.
  CHECK(access(path.c_str(), F_OK) == 0);
}

TEST_CASE("a passed descriptor that does not listen ends the start") {
  TempDir dir;
  write_ini(dir, free_port());
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Process process({.argv = {remuda_program(), dir.file("remuda.ini")},
                   .output = dir.file("output"),
                   .passed = {fd}});
  CHECK(process.wait_exit() == 1);
  close(fd);
  CHECK(says(dir, "failed to set up socket passed from service manager (fd 3): "));
}

TEST_CASE("sockets meant for another process are left alone") {
  TempDir dir;
  const int port = free_port();
  write_ini(dir, port);
  Process process({.argv = {remuda_program(), dir.file("remuda.ini")},
                   .output = dir.file("output"),
                   .environment = {{"LISTEN_PID", "1"}, {"LISTEN_FDS", "1"}}});
  REQUIRE(says(dir, "process up"));
  CHECK(one_at("127.0.0.1", port) == "1");
  process.signal(SIGQUIT);
  CHECK(process.wait_exit() == 0);
}

}  // namespace remuda::test::process_test
