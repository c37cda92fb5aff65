// Many clients, few servers, one pool between them, and a network that delivers as it likes.
// The pool is the simplest there is: first come, first served; a server is lent when it is free,
// closed when it comes back dirty or suspect. All that is under test is the conversation.
// One thread, one seed; the first thing that goes wrong is thrown as a std::runtime_error.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "remuda/session/conversation.h"
#include "simulation/model_client.h"
#include "simulation/model_server.h"
#include "simulation/random.h"

namespace remuda::simulation {

[[noreturn]] inline void wrong(const std::string& what) {
  throw std::runtime_error(what);
}

// One direction of a connection: what has been sent and not been read.
class Pipe {
 public:
  void put(std::string_view bytes) { bytes_ += bytes; }
  // Bytes that had been read, and are to be read once more.
  void put_back(std::string_view bytes);
  std::string take(size_t n);
  std::string_view content() const { return std::string_view(bytes_).substr(read_); }
  bool empty() const { return read_ == bytes_.size(); }

  // The sender ends, perhaps in mid message: only so much of what is under way still arrives.
  void close(size_t remains = SIZE_MAX);
  bool is_closed() const { return is_closed_; }

 private:
  std::string bytes_;
  size_t read_ = 0;
  bool is_closed_ = false;
};

class World {
 public:
  explicit World(uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Plays until every client has ended. Throws what went wrong.
  void run();

  uint64_t messages() const { return messages_; }
  size_t clients() const { return client_count_; }
  size_t servers() const { return servers_opened_; }

 private:
  struct Server;
  struct Client {
    Client(size_t number, uint64_t seed, const ModelClient::Habits& habits,
           ModelClient::Parameters startup)
        : model(number, seed, habits, std::move(startup)) {}
    ModelClient model;
    Pipe to_pool, to_client;
    session::ClientView view;
    Server* server = nullptr;
    std::string parked;
    bool waits_for_server = false;
    bool waits_for_room = false;
    bool is_gone = false;         // from the pool's point of view
    bool has_impossible = false;  // asks for a parameter that no server takes
  };
  struct Server {
    explicit Server(bool reports_late) : model(reports_late) {}
    ModelServer model;
    Pipe to_pool, to_server;
    session::ServerView view;
    Client* client = nullptr;
    bool is_resetting = false;
    bool is_disturbed = false;  // something unasked is on its way
  };

  void add_client();
  bool tick();
  bool sweep();
  bool move(Client& client);
  bool move(Server& server);
  bool act(Client& client);
  void disturb();
  void leave(Client& client);

  bool read_client(Client& client);
  void run_client(Client& client);
  bool read_server(Server& server);
  void run_server(Server& server, std::string bytes);
  void settle_server(Server& server, const session::Progress& progress);

  void ask_for_server(Client& client);
  void feed();
  void lend(Server& server, Client& client);
  void send_internal(Server& server, const std::string& sql);
  void take_back(Server& server);
  void open_server();
  void close_server(Server& server);
  void close_client(Client& client, const std::string& why);
  void drop_client(Client& client);
  void check_lendable(const Server& server) const;
  void check_at_rest(const Client& client) const;
  void check_suspect(const Server& server, const Client& client) const;
  void check_end() const;
  size_t piece(const Pipe& pipe);
  std::string drain();

  Random random_;
  session::ParameterTable table_;
  session::Limits limits_;
  session::Release release_;
  bool reports_late_;
  size_t largest_piece_;
  size_t max_servers_;
  bool has_accidents_;
  session::ParameterSetRef defaults_;
  std::vector<char> scratch_;
  session::Egress egress_;

  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::deque<Client*> waiting_;
  std::deque<Server*> idle_;
  size_t client_count_;
  size_t servers_opened_ = 0;
  uint64_t messages_ = 0;
};

}  // namespace remuda::simulation
