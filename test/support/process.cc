#include "support/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>
#include <stdexcept>

#include "support/temp_dir.h"

namespace remuda::test {
namespace {

Account find_account() {
  if (geteuid() != 0) {
    const passwd* own = getpwuid(geteuid());
    return {geteuid(), getegid(), own ? own->pw_name : "postgres"};
  }
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* found = getpwnam(name)) return {found->pw_uid, found->pw_gid, name};
  }
  throw std::runtime_error("no account to run servers as: neither postgres nor nobody exists");
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

constexpr int kFirstPassed = 3;
constexpr int kOutOfTheWay = 100;
constexpr const char* kListenPid = "LISTEN_PID=0000000000";
constexpr int kPidDigits = 10;

std::vector<std::string> child_environment(const Command& command) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    // libpq's own variables would point the children at someone else's server.
    if (text.rfind("PG", 0) == 0 || equals == std::string::npos) continue;
    merged[text.substr(0, equals)] = text.substr(equals + 1);
  }
  merged["LC_ALL"] = "C.UTF-8";
  for (const auto& [name, value] : command.environment) merged[name] = value;
  if (!command.passed.empty()) merged["LISTEN_FDS"] = std::to_string(command.passed.size());
  std::vector<std::string> result;
  for (const auto& [name, value] : merged) result.push_back(name + "=" + value);
  if (!command.passed.empty()) result.push_back(kListenPid);
  return result;
}

// Everything the child needs, made before the fork: after it only plain system calls are safe.
struct Prepared {
  int program;
  int output;
  char* const* argv;
  char* const* environment;
  const char* directory;
  int death_signal;
  pid_t parent;
  const Account* account;  // null: ours
  rlim_t descriptors;
  const std::vector<int>& passed;
  char* listen_pid;  // the digits in its variable, for the child to fill in
};

void pass_descriptors(const Prepared& p) {
  int moved[16];
  const size_t count = p.passed.size();
  for (size_t i = 0; i < count; ++i) moved[i] = fcntl(p.passed[i], F_DUPFD, kOutOfTheWay);
  for (size_t i = 0; i < count; ++i) {
    dup2(moved[i], kFirstPassed + static_cast<int>(i));
    close(moved[i]);
  }
  pid_t pid = getpid();
  for (int digit = kPidDigits - 1; digit >= 0; --digit, pid /= 10) {
    p.listen_pid[digit] = static_cast<char>('0' + pid % 10);
  }
}

[[noreturn]] void become_child(const Prepared& p) {
  const int input = open("/dev/null", O_RDONLY);
  dup2(input, 0);
  dup2(p.output, 1);
  dup2(p.output, 2);
  const int program = fcntl(p.program, F_DUPFD_CLOEXEC, kOutOfTheWay);
  if (!p.passed.empty()) pass_descriptors(p);
  if (geteuid() == 0 && p.account) {
    if (setgroups(0, nullptr) != 0 || setgid(p.account->gid) != 0 || setuid(p.account->uid) != 0)
      _exit(126);
  }
  if (p.descriptors > 0) {
    const rlimit limit{p.descriptors, p.descriptors};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  // After the change of user, which would clear it.
  prctl(PR_SET_PDEATHSIG, p.death_signal);
  if (getppid() != p.parent || chdir(p.directory) != 0) _exit(126);
  // By descriptor: the child's account may not be allowed to walk the path to the build tree.
  fexecve(program, p.argv, p.environment);
  _exit(127);
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int open_or_throw(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot open " + path + ": " + std::strerror(errno));
  return fd;
}

constexpr int kFirstPort = 10000;
constexpr int kPortsPerRange = 500;
constexpr int kPortRanges = 44;

// A range of ports for this program alone, as a port is free for whoever takes it first: it is ours
// as long as an abstract socket of its name is.
int own_range() {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (int range = 0; range < kPortRanges; ++range) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "remuda-test-ports-" + std::to_string(range);
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = offsetof(sockaddr_un, sun_path) + 1 + name.size();
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(length)) == 0)
      return range;  // and the socket stays open until the program ends
  }
  throw std::runtime_error("every range of ports is taken by another test program");
}

bool can_listen(int family, const sockaddr* address, socklen_t length) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return family == AF_INET6;  // no IPv6 here: then nobody else has the port either
  const bool free = bind(fd, address, length) == 0 || errno == EADDRNOTAVAIL;
  close(fd);
  return free;
}

}  // namespace

const Account& child_account() {
  static const Account account = find_account();
  return account;
}

Process::Process(const Command& command) {
  std::vector<std::string> argv_texts = command.argv;
  std::vector<std::string> environment_texts = child_environment(command);
  const auto argv = pointers(argv_texts);
  const auto environment = pointers(environment_texts);
  const int program = open_or_throw(command.argv.at(0), O_RDONLY);
  const int output = open_or_throw(command.output.empty() ? "/dev/null" : command.output,
                                   O_WRONLY | O_APPEND | O_CREAT);
  const Prepared prepared{program,
                          output,
                          argv.data(),
                          environment.data(),
                          command.directory.c_str(),
                          command.death_signal,
                          getpid(),
                          command.as_ourselves ? nullptr : &child_account(),
                          static_cast<rlim_t>(command.descriptors),
                          command.passed,
                          command.passed.empty()
                              ? nullptr
                              : environment_texts.back().data() + std::strlen("LISTEN_PID=")};
  pid_ = fork();
  if (pid_ == 0) become_child(prepared);
  close(program);
  close(output);
  if (pid_ < 0) throw std::runtime_error("cannot fork");
}

Process::~Process() {
  if (!running()) return;
  signal(SIGKILL);
  wait_exit();
}

bool Process::running() {
  return !wait_exit(milliseconds(0));
}

void Process::signal(int number) {
  if (!exit_) kill(pid_, number);
}

std::optional<int> Process::wait_exit(milliseconds timeout) {
  eventually(
      [this] {
        if (exit_) return true;
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
        exit_ = exit_code(status);
        return true;
      },
      timeout);
  return exit_;
}

void run(const Command& command) {
  Process process(command);
  const auto code = process.wait_exit(seconds(120));
  if (code != 0)
    throw std::runtime_error(command.argv.at(0) + " failed:\n" + read_file(command.output));
}

int free_port() {
  // Within the program's range they are handed out in turn, as one that was given is still free
  // until it is used.
  static const int first = kFirstPort + own_range() * kPortsPerRange;
  static int next = static_cast<int>(std::random_device{}() % kPortsPerRange);
  for (int attempt = 0; attempt < kPortsPerRange; ++attempt) {
    const int port = first + next;
    next = (next + 1) % kPortsPerRange;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(port));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v6.sin6_port = v4.sin_port;
    if (can_listen(AF_INET, reinterpret_cast<sockaddr*>(&v4), sizeof v4) &&
        can_listen(AF_INET6, reinterpret_cast<sockaddr*>(&v6), sizeof v6))
      return port;
  }
  throw std::runtime_error("no free TCP port found");
}

bool is_listening(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

}  // namespace remuda::test
