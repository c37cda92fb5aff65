// One thread's share of the load: its clients and its epoll. A step (connect, run) is called on
// some thread and ends there; between steps nobody reads the sockets.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macro/load_client.h"
#include "macro/load_report.h"
#include "macro/sockets.h"

namespace remuda::bench {

struct LoadOptions {
  Endpoint endpoint;
  std::string user = "bench", dbname = "bench";
  Workload workload;
  size_t clients = 1, threads = 1;
  size_t connecting = 64;  // at most so many logins at once while connecting
  bool tls = false;
  std::string password;  // not empty: a login must be by SCRAM
  double rate = 0;       // requests per second of all clients; 0: each sends when answered
  double read_rate = 0;  // bytes per second that each client reads at most; 0: what comes
  bool stay = false;     // who has logged in and been answered stays to the end of the program
};

class LoadThread {
 public:
  LoadThread(const LoadOptions& options, size_t first_client, size_t count);
  ~LoadThread();
  LoadThread(const LoadThread&) = delete;
  LoadThread& operator=(const LoadThread&) = delete;

  // Logs every client in; failures are in the totals.
  void connect_all();

  // Sends requests until `length` is over, then awaits the outstanding answers. Latency counts from
  // when a request was due, so that a stalled server does not hide the requests it kept from being
  // sent.
  void run(Nanos length);

  // One request of each client, at most so many at once.
  void query_once(size_t at_most);

  Totals take_totals() { return std::exchange(totals_, Totals{}); }
  size_t connected() const;

 private:
  void start_run(Nanos length, double rate);
  void finish_run();
  void await_last_answers();
  void abandon_answers();
  void release_due(Nanos at);
  void charge_unsent();
  Nanos due_time(size_t client, uint64_t turn) const;
  bool may_send(const LoadClient& client) const;

  // Waits for events until the given time and handles them.
  void turn(Nanos until);
  void on_event(LoadClient& client, uint32_t events);
  void on_connected(LoadClient& client);
  void on_tls_answer(LoadClient& client);
  void shake_hands(LoadClient& client);
  void send_startup(LoadClient& client);
  void on_readable(LoadClient& client);
  size_t most_to_read() const;
  void rest(LoadClient& client, size_t bytes);
  void wake_rested();
  void await_readable(LoadClient& client);
  void take_bytes(LoadClient& client, std::string_view bytes);
  bool answer_authentication(LoadClient& client);
  void on_ready(LoadClient& client);
  void on_answer(LoadClient& client);
  void on_idle(LoadClient& client);

  void begin_request(LoadClient& client);
  void begin_connect(LoadClient& client);
  void send_request(LoadClient& client);
  void flush(LoadClient& client);
  void leave(LoadClient& client);
  void lose(LoadClient& client, const std::string& why, bool wrong = false);
  void enter(LoadClient& client, LoadClient::State state);

  const LoadOptions& options_;
  const int epoll_;
  const bool logins_;  // a request is a login
  std::vector<std::unique_ptr<LoadClient>> clients_;
  std::vector<LoadClient*> lost_;              // of a run of logins: to be begun again
  std::multimap<Nanos, LoadClient*> resting_;  // slow readers, and those that have left meanwhile
  std::string input_;
  TlsSetup tls_;
  ScramKeyCache scram_keys_;
  Totals totals_;
  Nanos start_ = 0, end_ = 0;  // of the run
  double interval_ = 0;        // nanoseconds between two requests of this thread; 0: no schedule
  uint64_t released_ = 0;      // requests of the schedule that have become due
  bool running_ = false;
  bool once_ = false;       // one request per client
  size_t outstanding_ = 0;  // clients that connect or await an answer
};

}  // namespace remuda::bench
