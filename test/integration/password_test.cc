// Passwords from end to end: long ones, such as have another normal form, and such as stand in
// files of their own.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/remuda_process.h"

namespace remuda::test::password_test {
namespace {

// Another password of scram_user at the shared server, for one test.
class NewPassword {
 public:
  explicit NewPassword(const std::string& password) { set(password); }
  ~NewPassword() { set("scram-secret"); }
  NewPassword(const NewPassword&) = delete;
  NewPassword& operator=(const NewPassword&) = delete;

 private:
  static void set(const std::string& password) {
    postgres().exec("SET password_encryption = 'scram-sha-256'; ALTER ROLE scram_user PASSWORD '" +
                    password + "'");
  }
};

std::string one_user(const std::string& secret) {
  return "\"scram_user\" \"" + secret + "\"\n";
}

std::string stored_secret() {
  return postgres().value("SELECT rolpassword FROM pg_authid WHERE rolname = 'scram_user'");
}

// Owned by whoever remuda runs as, which its directory belongs to.
void write_file(const std::string& name, const std::string& content, mode_t mode) {
  std::ofstream(name, std::ios::trunc) << content;
  struct stat directory {};
  REQUIRE(stat(std::filesystem::path(name).parent_path().c_str(), &directory) == 0);
  REQUIRE(chown(name.c_str(), directory.st_uid, directory.st_gid) == 0);
  REQUIRE(chmod(name.c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("C4 28: passwords of 1 KB and 64 KB, on both sides, both plain") {
  for (const size_t size : {1024, 65530}) {
    const std::string password(size, 'p');
    const NewPassword at_server(password);
    for (const char* method : {"plain", "md5", "scram-sha-256"}) {
      INFO(method << ", " << size);
      Remuda remuda(ini_text(std::string("auth_type = ") + method), one_user(password));
      CHECK(remuda.connect("p0", "scram_user", password).value("SELECT current_user") ==
            "scram_user");
      const PqError refused = remuda.refusal("p0", "scram_user", password + "p");
      CHECK(refused.message.ends_with("authentication failed"));
    }
  }
}

TEST_CASE("a password and its normal form are one, on both sides") {
  const NewPassword at_server("\xe2\x85\xa8\xc2\xa0x");
  const std::string secret = stored_secret();
  for (const std::string& stored : {std::string("\xe2\x85\xa8\xc2\xa0x"), secret}) {
    Remuda remuda(ini_text("auth_type = scram-sha-256"), one_user(stored));
    for (const char* password : {"IX x", "\xe2\x85\xa8\xc2\xa0x"}) {
      CHECK(remuda.connect("p0", "scram_user", password).value("SELECT current_user") ==
            "scram_user");
    }
  }
}

TEST_CASE("SCRAM pass-through outlives RECONNECT and RELOAD") {
  Remuda remuda(ini_text("auth_type = scram-sha-256\nadmin_users = postgres"),
                "\"postgres\" \"x\"\n" + one_user(stored_secret()));
  remuda.set_console("postgres", "x");
  Pq client = remuda.connect("p0", "scram_user", "scram-secret");
  const std::string before = client.value("SELECT pg_backend_pid()");
  Pq(remuda.address("pgbouncer", "postgres", "x")).exec("RECONNECT");
  remuda.reload();
  const std::string after = client.value("SELECT pg_backend_pid()");
  CHECK(after != before);
  CHECK(client.value("SELECT current_user") == "scram_user");
}

TEST_CASE("a server's password may stand in a file, which is read again and never shown") {
  const NewPassword at_server("file-secret-1");
  const std::string databases =
      "p0 = host=127.0.0.1 port={pg_port} user=scram_user password_file={dir}/pw\n";
  Remuda remuda(ini_text());
  const std::string file = remuda.dir() + "/pw";
  write_file(file, "file-secret-1\n", 0600);
  remuda.write_ini(ini_text("", databases));
  remuda.reload();
  CHECK(remuda.connect("p0").value("SELECT current_user") == "scram_user");
  CHECK(remuda.log().find("chmod 600") == std::string::npos);

  postgres().exec("ALTER ROLE scram_user PASSWORD 'file-secret-2'");
  write_file(file, "file-secret-2", 0644);
  remuda.reload();
  CHECK(remuda.wait_log(file + ": others can read this secret; chmod 600"));
  Pq(remuda.address("pgbouncer")).exec("RECONNECT");
  CHECK(remuda.connect("p0").value("SELECT current_user") == "scram_user");

  std::string shown;
  for (const char* what : {"DATABASES", "CONFIG", "POOLS", "USERS", "SERVERS"}) {
    for (const Record& row : remuda.show(what)) {
      for (const auto& [column, value] : row) shown += value + '\n';
    }
  }
  CHECK(shown.find("file-secret") == std::string::npos);
  CHECK(remuda.log().find("file-secret") == std::string::npos);

  REQUIRE(unlink(file.c_str()) == 0);
  CHECK_THROWS(remuda.reload());
  CHECK(remuda.wait_log("p0: password_file: cannot read " + file + ": No such file or directory"));
  CHECK(remuda.connect("p0").value("SELECT current_user") == "scram_user");
}

}  // namespace remuda::test::password_test
