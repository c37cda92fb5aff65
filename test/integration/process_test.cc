// What the program tells a service manager, which is a datagram socket here.
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "support/catch.h"
#include "support/remuda_process.h"

using namespace remuda::test;

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
    return eventually([&] {
      char buffer[512];
      const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      return n > 0 && std::string(buffer, static_cast<size_t>(n)).starts_with(start);
    });
  }

 private:
  const int fd_;
};

}  // namespace

TEST_CASE("the service manager is told of start, reload, life and end") {
  TempDir dir;
  ServiceManager manager(dir.file("notify"));
  const std::string file = dir.file("remuda.ini");
  write_file(file, "[databases]\n[remuda]\nlisten_addr = 127.0.0.1\nlisten_port = " +
                       std::to_string(free_port()) + "\nunix_socket_dir =\n" +
                       "server_tls_sslmode = disable\n");
  Process process(
      {.argv = {remuda_program(), file},
       .output = dir.file("output"),
       .environment = {{"NOTIFY_SOCKET", dir.file("notify")}, {"WATCHDOG_USEC", "100000"}}});
  CHECK(manager.wait("READY=1"));
  CHECK(manager.wait("WATCHDOG=1"));
  process.signal(SIGHUP);
  CHECK(manager.wait("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.wait("READY=1"));
  process.signal(SIGTERM);
  CHECK(manager.wait("STOPPING=1"));
  CHECK(process.wait_exit() == 0);
}
