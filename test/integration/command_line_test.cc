// The program as a process: options, exit codes, pid file, log.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <list>
#include <regex>
#include <sstream>

#include "support/catch.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::command_line_test {
namespace {

struct Outcome {
  int code;
  std::string output;
};

// Runs the program to its end.
Outcome outcome_of(const std::vector<std::string>& arguments, bool as_ourselves = false) {
  TempDir dir;
  Command command{
      .argv = {remuda_program()}, .output = dir.file("output"), .as_ourselves = as_ourselves};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  Process process(command);
  const auto code = process.wait_exit();
  return {code.value_or(-1), read_file(command.output)};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Processor time of a process so far, in hundredths of a second.
long ticks(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0, system = 0;
  fields >> user >> system;
  return user + system;
}

// A complete file with its own port, pid file and log file in `dir`.
std::string ini_in(const TempDir& dir, int port) {
  return "[databases]\n[remuda]\nlisten_addr = 127.0.0.1\nlisten_port = " + std::to_string(port) +
         "\nunix_socket_dir = " + dir.path() + "\npidfile = " + dir.file("remuda.pid") +
         "\nlogfile = " + dir.file("remuda.log") + "\nserver_tls_sslmode = disable\n";
}

}  // namespace

TEST_CASE("version and help") {
  for (const char* option : {"-V", "--version"}) {
    const auto [code, output] = outcome_of({option});
    CHECK(code == 0);
    CHECK(output.find("PgBouncer ") == 0);
  }
  for (const char* option : {"-h", "--help"}) {
    const auto [code, output] = outcome_of({option});
    CHECK(code == 0);
    CHECK(has(output, "--check-config"));
  }
}

TEST_CASE("a command line that makes no sense") {
  const auto bad = outcome_of({"--nonsense"});
  CHECK(bad.code == 1);
  CHECK(has(bad.output, "--help\" for more information."));
  const auto none = outcome_of({});
  CHECK(none.code == 1);
  CHECK(has(none.output, "no configuration file specified"));
  CHECK(outcome_of({"/nowhere/remuda.ini"}).code == 1);
}

TEST_CASE("--check-config reads the files that the configuration names") {
  TempDir dir;
  const std::string file = dir.file("x.ini");
  const std::string tls = "[remuda]\nclient_tls_sslmode = require\nclient_tls_key_file = k\n";
  write_file(file, tls + "client_tls_cert_file = /nowhere/c\n");
  const auto [code, output] = outcome_of({"--check-config", file});
  CHECK(code == 1);
  CHECK(has(output, "TLS certificate file /nowhere/c: No such file or directory"));
}

TEST_CASE("--check-config lists all faults with file and line, and changes nothing") {
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  const int port = free_port();
  write_file(file, ini_in(dir, port));
  CHECK(outcome_of({"--check-config", file}).code == 0);
  CHECK(read_file(dir.file("remuda.pid")).empty());

  write_file(file, ini_in(dir, port) + "default_pool_size = many\nno_such_setting = 1\n");
  const auto [code, output] = outcome_of({"--check-config", file});
  CHECK(code == 1);
  CHECK(has(output, file + ":9"));
  CHECK(has(output, "default_pool_size"));
  CHECK(has(output, file + ":10"));
  CHECK(has(output, "no_such_setting"));
  CHECK(outcome_of({file}).code == 1);
}

TEST_CASE("it refuses to run as root") {
  if (geteuid() != 0) {
    WARN("not root: nothing to refuse");
    return;
  }
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  write_file(file, ini_in(dir, free_port()));
  const auto [code, output] = outcome_of({file}, true);
  CHECK(code == 1);
  CHECK(has(output, "should not run as root"));
}

TEST_CASE("-d goes to the background, with a pid file while it runs") {
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  const int port = free_port();
  write_file(file, ini_in(dir, port));
  REQUIRE(outcome_of({"-q", "-d", file}).code == 0);
  const auto written_pid = [&] {
    const std::string text = read_file(dir.file("remuda.pid"));
    return text.empty() || text.back() != '\n' ? 0 : std::stoi(text);
  };
  REQUIRE(eventually([&] { return written_pid() > 0; }));
  const int pid = written_pid();
  CHECK(kill(pid, 0) == 0);
  CHECK(eventually([&] { return has(read_file(dir.file("remuda.log")), "process up"); }));

  const auto second = outcome_of({file});
  CHECK(second.code == 1);
  CHECK((has(second.output, "another instance running?") || has(second.output, "in use")));

  kill(pid, SIGQUIT);
  CHECK(eventually([&] { return kill(pid, 0) != 0; }));
  CHECK(access(dir.file("remuda.pid").c_str(), F_OK) != 0);
  CHECK(access((dir.path() + "/.s.PGSQL." + std::to_string(port)).c_str(), F_OK) != 0);
}

TEST_CASE("-d without a pid file is refused") {
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  write_file(file, ini_in(dir, free_port()) + "pidfile =\n");
  const auto [code, output] = outcome_of({"-d", file});
  CHECK(code == 1);
  CHECK(has(output, "daemon needs pidfile configured"));
}

TEST_CASE("a stale pid file and a stale socket are replaced") {
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  const int port = free_port();
  write_file(file, ini_in(dir, port));
  // What a killed one leaves: both files, and nobody behind them.
  std::optional<Process> process;
  process.emplace(Command{.argv = {remuda_program(), file}, .output = dir.file("first")});
  REQUIRE(eventually([&] { return has(read_file(dir.file("first")), "process up"); }));
  process->signal(SIGKILL);
  process->wait_exit();
  REQUIRE(access(dir.file("remuda.pid").c_str(), F_OK) == 0);

  process.emplace(Command{.argv = {remuda_program(), file}, .output = dir.file("second")});
  REQUIRE(eventually([&] { return has(read_file(dir.file("second")), "process up"); }));
  CHECK(has(read_file(dir.file("second")), "stale pidfile, removing"));
  CHECK(read_file(dir.file("remuda.pid")) == std::to_string(process->pid()) + "\n");
  process->signal(SIGQUIT);
  CHECK(process->wait_exit() == 0);
}

TEST_CASE("where it cannot listen it says so and ends") {
  TempDir dir;
  const std::string file = dir.file("remuda.ini");
  const int port = free_port();
  const std::string socket_file = dir.path() + "/.s.PGSQL." + std::to_string(port);
  write_file(file, ini_in(dir, port));

  // Something that is no socket has the socket's name.
  mkdir(socket_file.c_str(), 0755);
  const auto no_socket = outcome_of({file});
  CHECK(no_socket.code == 1);
  CHECK(has(no_socket.output, socket_file));
  rmdir(socket_file.c_str());

  // Another one runs.
  Process other({.argv = {remuda_program(), file}, .output = dir.file("other")});
  REQUIRE(eventually([&] { return has(read_file(dir.file("other")), "process up"); }));
  write_file(file, ini_in(dir, port) + "pidfile =\nunix_socket_dir =\n");
  const auto no_port = outcome_of({file});
  CHECK(no_port.code == 1);
  CHECK(has(no_port.output, "failed to listen on any address in listen_addr list"));
  other.signal(SIGQUIT);
  CHECK(other.wait_exit() == 0);

  write_file(file, ini_in(dir, port) + "listen_addr =\nunix_socket_dir =\n");
  const auto nowhere = outcome_of({file});
  CHECK(nowhere.code == 1);
  CHECK(has(nowhere.output, "nowhere to listen on"));
}

TEST_CASE("every log line has time, pid and level, and logins name database and user") {
  Remuda remuda;
  remuda.connect().value("SELECT 1");
  REQUIRE(remuda.wait_log("closing because: client close request"));
  const std::string log = remuda.log();
  const std::regex line(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC \[)" +
                        std::to_string(remuda.pid()) +
                        R"(\] (FATAL|ERROR|WARNING|LOG|DEBUG|NOISE) .+)");
  for (size_t at = 0; at < log.size();) {
    const auto end = log.find('\n', at);
    REQUIRE(end != std::string::npos);
    const std::string text = log.substr(at, end - at);
    INFO(text);
    CHECK((text[0] == '\t' || std::regex_match(text, line)));
    at = end + 1;
  }
  CHECK(std::regex_search(log, std::regex(R"( C-0x[0-9a-f]+: \S*@127\.0\.0\.1:\d+ login attempt: )"
                                          R"(db=p0 user=postgres tls=no replication=no)")));
  CHECK(std::regex_search(log, std::regex(R"( S-0x[0-9a-f]+: p0/postgres@127\.0\.0\.1:\d+ new )"
                                          R"(connection to server)")));
}

TEST_CASE("the statistics line is written every stats_period") {
  Remuda remuda(ini_text("stats_period = 1"));
  remuda.connect().value("SELECT 1");
  CHECK(eventually([&] {
    return std::regex_search(
        remuda.log(),
        std::regex(R"(LOG stats: \d+ xacts/s, \d+ queries/s, \d+ client parses/s, \d+ server )"
                   R"(parses/s, \d+ binds/s, \d+ client logins/s, in \d+ B/s, out \d+ B/s, )"
                   R"(xact \d+ us, query \d+ us, wait \d+ us)"));
  }));
}

// What a client that may be turned away at once gets to read; empty if it was only hung up on.
std::vector<Message> answer_to(RawClient& client) {
  std::vector<Message> answer;
  try {
    while (answer.empty() || (answer.back().type != 'Z' && answer.back().type != 'E')) {
      answer.push_back(client.read());
    }
  } catch (const PeerClosed&) {
  }
  return answer;
}

void say_hello(RawClient& client) {
  try {
    client.send(startup({{"user", "postgres"}, {"database", "p0"}}));
  } catch (const PeerClosed&) {  // turned away already: there is something to read
  }
}

TEST_CASE("C4.33 out of descriptors: those who are in go on, the rest is told") {
  if (remuda_sanitizers().find("undefined") != std::string::npos) {
    // It opens pipes to look at an object's type; where none can be had it takes every object for a
    // broken one.
    WARN("left out under this sanitizer, which needs descriptors itself");
    return;
  }
  Remuda remuda(ini_text("max_client_conn = 200"), kUserList, 64);
  Pq bystander = remuda.connect();
  CHECK(bystander.value("SELECT 1") == "1");
  std::list<RawClient> crowd;
  // All are there before the first of them says anything and could be refused and gone.
  for (int i = 0; i < 80; ++i) crowd.emplace_back(remuda.port());
  CHECK(remuda.wait_log("Too many open files; connections turned away: "));
  for (RawClient& client : crowd) say_hello(client);
  CHECK(bystander.value("SELECT 2") == "2");
  // It must not spin: next to no processor time while descriptors are short.
  const long used = ticks(remuda.pid());
  CHECK(bystander.value("SELECT pg_sleep(0.5)") == "");
  CHECK(ticks(remuda.pid()) - used < 20);

  std::list<RawClient*> admitted;
  int told = 0;
  for (RawClient& client : crowd) {
    const auto answer = answer_to(client);
    REQUIRE_FALSE(answer.empty());
    if (answer.back().type == 'Z') {
      admitted.push_back(&client);
      continue;
    }
    auto fields = notice_fields(answer.back());
    CHECK(fields['M'] == "sorry, too many clients already (out of file descriptors)");
    CHECK(fields['C'] == "53300");
    CHECK(fields['S'] == "FATAL");
    ++told;
  }
  CHECK(told > 16);
  REQUIRE(admitted.size() > 16);
  // Though clients have all that clients may have, another server can be opened.
  bystander.exec("BEGIN");
  CHECK(admitted.front()->value("SELECT 3") == "3");
  bystander.exec("COMMIT");

  crowd.clear();
  CHECK(eventually([&] { return remuda.refusal("p0").message == "no error"; }));
}

}  // namespace remuda::test::command_line_test
