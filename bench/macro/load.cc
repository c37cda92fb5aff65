// Many clients that ask a PostgreSQL server, or a pooler before it, and check every answer. See
// kUsage.
#include <sys/resource.h>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <sstream>
#include <thread>

#include "io/thread_priority.h"
#include "macro/arguments.h"
#include "macro/load_thread.h"

namespace remuda::bench {
namespace {

constexpr const char* kUsage =
    "usage: bench_load --port N [options]\n"
    "  --host ADDRESS   IPv4 address or directory of a Unix socket (127.0.0.1)\n"
    "  --user NAME --dbname NAME   (bench, bench)\n"
    "  --tls            over TLS, a whole handshake per connection\n"
    "  --password TEXT  log in by SCRAM-SHA-256; to be let in without is an error\n"
    "  --clients N --threads N     (1, 1)\n"
    "  --connecting N   logins under way at once while connecting (64)\n"
    "  --mode MODE      simple, extended, prepared, pipeline or login (simple)\n"
    "  --depth N        queries per pipeline (8)\n"
    "  --bytes N --rows N   size of an answer: a second column of N bytes, so many rows (0, 1)\n"
    "  --read-rate B    each client reads B bytes per second at most, and leaves amid an answer\n"
    "  --stay           with login: who has been answered stays, and is not to come again\n"
    "  --seconds S      length of the run (5)\n"
    "  --rate R         R requests per second on a fixed schedule, latency counted from when each\n"
    "                   was due; without it each client sends when it has its answer\n"
    "  --idle           connect, then take commands from standard input: 'query N' (one request "
    "of\n"
    "                   each client, at most N at once), 'run S', 'quit'; its end means quit\n"
    "Prints one line of JSON per step; ends with 1 if there was an error, 2 if an answer was "
    "wrong.\n";

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options) {
    const size_t count = options_.threads;
    for (size_t i = 0; i < count; ++i) {
      const size_t first = options_.clients * i / count;
      threads_.push_back(std::make_unique<LoadThread>(options_, first,
                                                      options_.clients * (i + 1) / count - first));
    }
  }

  void connect() {
    step("connected", 0, [](LoadThread& thread) { thread.connect_all(); });
  }

  // At most so many clients at once, over all threads.
  void query_once(size_t at_most) {
    const size_t share = std::max<size_t>(at_most / threads_.size(), 1);
    step("queried", 0, [share](LoadThread& thread) { thread.query_once(share); });
  }

  void run(double seconds) {
    const auto length = static_cast<Nanos>(seconds * 1e9);
    step("run", seconds, [length](LoadThread& thread) { thread.run(length); });
  }

  int exit_code() const { return wrong_ ? 2 : failed_ ? 1 : 0; }

 private:
  void step(const std::string& state, double seconds,
            const std::function<void(LoadThread&)>& work) {
    const Nanos begin = now();
    std::vector<std::thread> running;
    for (auto& thread : threads_) running.emplace_back([&] { work(*thread); });
    for (auto& thread : running) thread.join();
    Totals totals;
    size_t connected = 0;
    for (auto& thread : threads_) {
      totals.add(thread->take_totals());
      connected += thread->connected();
    }
    failed_ = failed_ || totals.errors > 0;
    wrong_ = wrong_ || totals.wrong > 0;
    const double took = static_cast<double>(now() - begin) / 1e9;
    print_report(state, totals, connected, seconds > 0 ? seconds : took);
  }

  const LoadOptions options_;
  std::vector<std::unique_ptr<LoadThread>> threads_;
  bool failed_ = false, wrong_ = false;
};

LoadOptions read_options(const Arguments& arguments) {
  LoadOptions options;
  const auto mode = parse_mode(arguments.text("mode", "simple"));
  options.endpoint = {arguments.text("host", "127.0.0.1"),
                      static_cast<uint16_t>(arguments.number("port", 0))};
  if (!mode || options.endpoint.port == 0) die(kUsage);
  options.user = arguments.text("user", "bench");
  options.dbname = arguments.text("dbname", "bench");
  options.tls = arguments.has("tls");
  options.password = arguments.text("password", "");
  options.clients = static_cast<size_t>(arguments.number("clients", 1));
  options.threads = std::max<size_t>(static_cast<size_t>(arguments.number("threads", 1)), 1);
  options.connecting = std::max<size_t>(static_cast<size_t>(arguments.number("connecting", 64)), 1);
  options.rate = arguments.number("rate", 0);
  options.read_rate = arguments.number("read-rate", 0);
  options.stay = arguments.has("stay");
  options.workload.mode = *mode;
  if (*mode == Mode::pipeline) {
    options.workload.depth = std::max<size_t>(static_cast<size_t>(arguments.number("depth", 8)), 1);
  }
  options.workload.width = static_cast<size_t>(arguments.number("bytes", 0));
  options.workload.rows = std::max<size_t>(static_cast<size_t>(arguments.number("rows", 1)), 1);
  return options;
}

void take_commands(Load& load) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command;
    double number = 0;
    words >> command >> number;
    if (command == "quit") return;
    if (command == "query" && number >= 1) {
      load.query_once(static_cast<size_t>(number));
    } else if (command == "run" && number > 0) {
      load.run(number);
    } else {
      std::cerr << "unknown command: " << line << "\n";
    }
  }
}

int load_main(int argc, char** argv) {
  const Arguments arguments(
      argc, argv,
      {"host", "port", "user", "dbname", "password", "clients", "threads", "connecting", "mode",
       "depth", "bytes", "rows", "seconds", "rate", "read-rate"},
      {"idle", "tls", "stay"}, kUsage);
  const LoadOptions options = read_options(arguments);
  if (raise_descriptor_limit() < options.clients + 32)
    die("not enough descriptors for the clients");
  std::signal(SIGPIPE, SIG_IGN);
  Load load(options);
  load.connect();
  if (arguments.has("idle")) {
    take_commands(load);
  } else {
    load.run(arguments.number("seconds", 5));
  }
  return load.exit_code();
}

}  // namespace
}  // namespace remuda::bench

int main(int argc, char** argv) {
  // Who measures must not wait for who makes trouble: that one has been made nice.
  if (::getpriority(PRIO_PROCESS, 0) == 0) remuda::io::run_promptly();
  return remuda::bench::load_main(argc, argv);
}
