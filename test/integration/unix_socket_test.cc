// Where the unix socket is, who may use it, and whose it is.
#include <fmt/core.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/remuda_process.h"

namespace remuda::test::unix_socket_test {
namespace {

std::string socket_file(const Remuda& remuda) {
  return fmt::format("{}/.s.PGSQL.{}", remuda.dir(), remuda.port());
}

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status;
}

std::string one_over(const std::string& dir, int port) {
  Pq client({.host = dir, .port = port, .dbname = "p0", .user = "postgres"});
  return client.value("SELECT 1");
}

}  // namespace

TEST_CASE("unix_socket_mode is the mode of the socket, whatever the umask") {
  CHECK((status_of(socket_file(Remuda())).st_mode & 07777) == 0777);
  Remuda strict(ini_text("unix_socket_mode = 0700"));
  CHECK((status_of(socket_file(strict)).st_mode & 07777) == 0700);
  CHECK(one_over(strict.dir(), strict.port()) == "1");
}

TEST_CASE("unix_socket_group is the group of the socket, by name or number") {
  const gid_t gid = child_account().gid;
  const struct group* group = getgrgid(gid);
  REQUIRE(group != nullptr);
  for (const std::string& text : {std::string(group->gr_name), std::to_string(gid)}) {
    CAPTURE(text);
    Remuda remuda(ini_text("unix_socket_group = " + text));
    CHECK(status_of(socket_file(remuda)).st_gid == gid);
  }
  const FailedStart nobody = failed_start(ini_text("unix_socket_group = no_such_group"));
  CHECK(nobody.code == 1);
  CHECK(nobody.output.find("getgrnam()") != std::string::npos);
}

TEST_CASE("an abstract socket has no file") {
  const std::string name = fmt::format("@remuda-test-{}", getpid());
  Remuda remuda(ini_text("unix_socket_dir = " + name + "\nunix_socket_group = root"));
  CHECK(one_over(name, remuda.port()) == "1");
  CHECK(remuda.wait_log(fmt::format("listening on unix:{}/.s.PGSQL.{}", name, remuda.port())));
  CHECK(access(socket_file(remuda).c_str(), F_OK) != 0);
}

TEST_CASE("servers are found by an abstract socket, and by the directory of our own") {
  const std::string name = fmt::format("@remuda-back-{}", getpid());
  Remuda back(ini_text("unix_socket_dir = " + name));
  Remuda front(ini_text("", fmt::format("p0 = host={} port={}\n", name, back.port())));
  CHECK(front.connect().value("SELECT 1") == "1");
}

TEST_CASE("without unix_socket_dir there is no unix socket") {
  Remuda remuda(ini_text("unix_socket_dir ="));
  CHECK(remuda.connect().value("SELECT 1") == "1");
  CHECK(access(socket_file(remuda).c_str(), F_OK) != 0);
}

TEST_CASE("the socket file goes with the process, unless a successor has put its own there") {
  Remuda remuda;
  const std::string file = socket_file(remuda);
  SECTION("it goes") {
    remuda.signal(SIGQUIT);
    CHECK(remuda.wait_exit() == 0);
    CHECK(access(file.c_str(), F_OK) != 0);
  }
  SECTION("another's stays") {
    unlink(file.c_str());
    write_file(file, "another's");
    remuda.signal(SIGQUIT);
    CHECK(remuda.wait_exit() == 0);
    CHECK(read_file(file) == "another's");
  }
}

TEST_CASE("a socket that is in use, or locked by a PostgreSQL, is left alone") {
  Remuda remuda;
  const std::string same_dir = "\nunix_socket_dir = " + remuda.dir();
  const std::string same =
      fmt::format("listen_addr =\nlisten_port = {}{}", remuda.port(), same_dir);
  const FailedStart second = failed_start(ini_text(same));
  CHECK(second.code == 1);
  CHECK(second.output.find("unix socket is in use, cannot continue") != std::string::npos);
  CHECK(one_over(remuda.dir(), remuda.port()) == "1");

  const int port = free_port();
  write_file(fmt::format("{}/.s.PGSQL.{}.lock", remuda.dir(), port), "1\n");
  const FailedStart locked =
      failed_start(ini_text(fmt::format("listen_addr =\nlisten_port = {}{}", port, same_dir)));
  CHECK(locked.code == 1);
  CHECK(locked.output.find(fmt::format("unix port {} is in use", port)) != std::string::npos);
}

}  // namespace remuda::test::unix_socket_test
