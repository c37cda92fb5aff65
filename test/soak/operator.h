// The other side of a soak: whoever runs the pooler and its PostgreSQL. Does one thing at a time,
// on the test's main thread.
#pragma once

#include <random>

#include "soak/setup.h"
#include "soak/world.h"

namespace remuda::soak {

class Operator {
 public:
  Operator(World& world, test::Remuda& remuda, test::PostgresServer& server, Setup& setup,
           unsigned seed);

  // Something that no client may notice but by waiting.
  void act_quietly();
  // Something that ends connections, or keeps clients out. Undone when it returns.
  void disturb();
  const char* doing() const { return doing_; }

 private:
  void show_everything();
  void resize();
  void reconnect();
  void pause_one();
  void pause_all();
  void kill_one();
  void kill_all();
  void kill_clients();
  void disable();
  void remove_database();
  void terminate_backends();
  void restart();

  std::string any_database();
  void wait_up_to(unsigned most);
  void apply();
  void pause(const std::string& argument);
  void resume_if_paused(const std::string& database);

  World& world_;
  test::Remuda& remuda_;
  test::PostgresServer& server_;
  Setup& setup_;
  std::mt19937 random_;
  const char* doing_ = "nothing";
};

}  // namespace remuda::soak
