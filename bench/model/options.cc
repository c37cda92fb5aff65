#include "model/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace remuda::bench::model {

const char* const kUsage =
    R"(remuda_model: predicts throughput and latency of remuda from measured costs

usage: remuda_model [--run] [LOAD] [INSTALLATION]      one prediction
       remuda_model --advise [LOAD] [INSTALLATION]     what to configure
       remuda_model --table [--svg FILE] [LOAD] [...]  many predictions
       remuda_model --validate RESULTS.json            prediction against what bench/run measured

LOAD
  --clients N          clients, of all pools together (64); with --table a list: 64,1000
  --tps N              transactions per second that come from outside, whoever is still waiting
  --think-ms N         without --tps: a client thinks that long on average between its
                       transactions (0: it asks again at once)
  --server-ms N        mean time of a transaction in PostgreSQL, milliseconds (0.5)
  --shape WORD         how that time is spread: exponential (default), constant, lognormal
  --spread N           of lognormal: standard deviation / mean (2)
  --queries N          queries per transaction, one after the other (1)
  --extended           they use the extended protocol with unnamed statements
  --tls-share N        per cent of the clients that use TLS (0)
  --logins N           logins per second (0), of clients that come and go beside the others
  --login WORD         trust, scram (default) or tls: SCRAM over TLS
  --client-rtt-ms N    network between client and remuda, there and back (0.1)
  --server-rtt-ms N    network between remuda and PostgreSQL, there and back (0.1)

INSTALLATION (--table takes lists: --cores 8,64; --advise finds workers and pool size)
  --cores N            cores of remuda's machine (8)
  --workers N          worker threads (1)
  --pool-size N        server connections per pool (20)
  --pools N            pools, one per database and user; clients are dealt to them in turn (1)
  --server-cores N     cores of PostgreSQL's machine (0: as many as it needs)
  --shared             PostgreSQL runs on remuda's machine and its cores
  --max-connections N  of PostgreSQL, for --advise (100)

OTHERS
  --transactions N     to simulate per prediction (200000)
  --seed N             another seed, another course of the same thing (1)
  --costs FILE         the measured costs (costs.json beside the sources)
  --svg FILE           with --table: the curves

Latency is what a client sees of a whole transaction, network included. A prediction says as much as
its costs do: measure yours (bench/model/README.md). Exit code 2: the input makes no sense.
)";

namespace {

const std::set<std::string> kValued = {
    "clients",       "tps",    "think-ms",      "server-ms",       "shape",   "spread",
    "queries",       "logins", "tls-share",     "login",           "cores",   "workers",
    "client-rtt-ms", "pools",  "server-rtt-ms", "pool-size",       "seed",    "server-cores",
    "transactions",  "costs",  "svg",           "max-connections", "validate"};
const std::set<std::string> kAlone = {"run", "advise", "table", "shared", "extended", "help"};

[[noreturn]] void refuse(const std::string& name, const std::string& text, double least,
                         double most) {
  const auto plain = [](double value) {
    std::string digits = std::to_string(value);
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
    return digits;
  };
  throw std::invalid_argument("--" + name + ": '" + text + "' is not a number from " +
                              plain(least) + " to " + plain(most));
}

double parse(const std::string& name, const std::string& text, double least, double most) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  const bool is_number = fault == std::errc() && stop == end && std::isfinite(value);
  if (!is_number || value < least || value > most) refuse(name, text, least, most);
  return value;
}

int parse_count(const std::string& name, const std::string& text, int least, int most) {
  const double value = parse(name, text, least, most);
  if (value != std::floor(value)) refuse(name, text, least, most);
  return static_cast<int>(value);
}

Shape shape_of(const Options& options) {
  if (!options.has("shape") || options.text("shape") == "exponential") return Shape::exponential;
  if (options.text("shape") == "constant") return Shape::constant;
  if (options.text("shape") == "lognormal") return Shape::lognormal;
  throw std::invalid_argument("--shape: '" + options.text("shape") +
                              "' is none of exponential, constant, lognormal");
}

void check_together(const Options& options, const Setup& setup) {
  if (options.has("tps") && options.has("think-ms")) {
    throw std::invalid_argument(
        "--tps and --think-ms: either transactions come at a rate or clients think between them");
  }
  if (options.has("spread") && setup.service.shape != Shape::lognormal) {
    throw std::invalid_argument("--spread goes with --shape lognormal");
  }
  if (options.has("server-cores") && setup.server_shares_cores) {
    throw std::invalid_argument("--server-cores and --shared: PostgreSQL has its own cores or not");
  }
  if (options.has("login") && setup.logins == 0) {
    throw std::invalid_argument("--login says how, --logins how many per second: it is missing");
  }
}

}  // namespace

Options::Options(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::string name = word.starts_with("--") ? word.substr(2) : "";
    if (kAlone.contains(name)) {
      values_[name] = "";
    } else if (!kValued.contains(name)) {
      throw std::invalid_argument("'" + word + "' is not an option; --help lists them");
    } else if (i + 1 == argc) {
      throw std::invalid_argument("--" + name + ": its value is missing");
    } else {
      values_[name] = argv[++i];
    }
  }
}

double Options::number(const std::string& name, double otherwise, double least, double most) const {
  return has(name) ? parse(name, text(name), least, most) : otherwise;
}

int Options::count(const std::string& name, int otherwise, int least, int most) const {
  return has(name) ? parse_count(name, text(name), least, most) : otherwise;
}

std::vector<int> Options::counts(const std::string& name, const std::vector<int>& otherwise,
                                 int least, int most) const {
  if (!has(name)) return otherwise;
  std::vector<int> found;
  const std::string& list = text(name);
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    found.push_back(parse_count(name, list.substr(begin, end - begin), least, most));
    begin = end + 1;
  }
  return found;
}

Login Options::login() const {
  if (!has("login") || text("login") == "scram") return Login::scram;
  if (text("login") == "trust") return Login::trust;
  if (text("login") == "tls") return Login::tls;
  throw std::invalid_argument("--login: '" + text("login") + "' is none of trust, scram, tls");
}

Setup setup_of(const Options& options) {
  const bool lists = options.has("table");
  Setup setup;
  if (!lists) {
    setup.clients = options.count("clients", 64, 1, 1'000'000);
    setup.cores = options.count("cores", 8, 1, 1024);
    setup.workers = options.count("workers", 1, 1, 64);
    setup.pool_size = options.count("pool-size", 20, 1, 10'000);
  }
  setup.pools = options.count("pools", 1, 1, 10'000);
  setup.rate = options.number("tps", 0, 0.001, 1e8);
  setup.think = options.number("think-ms", 0, 0, 1e8) * 1000;
  setup.queries = options.count("queries", 1, 1, 10'000);
  setup.service = {options.number("server-ms", 0.5, 0, 1e6) * 1000 / setup.queries,
                   shape_of(options), options.number("spread", 2, 0.01, 20)};
  setup.extended = options.has("extended");
  setup.tls_share = options.number("tls-share", 0, 0, 100) / 100;
  setup.logins = options.number("logins", 0, 0, 1e7);
  setup.login = options.login();
  setup.client_rtt = options.number("client-rtt-ms", 0.1, 0, 10'000) * 1000;
  setup.server_rtt = options.number("server-rtt-ms", 0.1, 0, 10'000) * 1000;
  setup.server_cores = options.count("server-cores", 0, 0, 4096);
  setup.server_shares_cores = options.has("shared");
  setup.transactions =
      static_cast<uint64_t>(options.count("transactions", 200'000, 1000, 1'000'000'000));
  setup.seed = static_cast<uint64_t>(options.count("seed", 1, 0, 1'000'000'000));
  check_together(options, setup);
  return setup;
}

}  // namespace remuda::bench::model
