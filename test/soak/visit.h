// One connection of a visitor: asks, and throws when it gets anything but what it asked for. Used
// by the visitor's thread.
#pragma once

#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "soak/setup.h"
#include "soak/world.h"
#include "support/pq.h"

namespace remuda::soak {

// Never explained by anything.
struct WrongAnswer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Visit {
 public:
  // Connects; `tag` is the first part of its application_name. Throws PqError.
  Visit(World& world, const Entry& entry, const std::string& tag, std::mt19937& random);

  World& world() const { return world_; }
  const Entry& entry() const { return entry_; }
  const std::string& tag() const { return tag_; }
  test::Pq& pq() { return pq_; }
  unsigned random(unsigned below) { return static_cast<unsigned>(random_() % below); }
  // A text that nobody else asks for.
  std::string marker();

  // Runs a statement whose single value must be `expected`.
  void want(const std::string& sql, const std::string& expected);
  // Runs a statement that must fail so.
  void want_error(const std::string& sql, const std::string& sqlstate);
  void check(const std::string& got, const std::string& expected) const;

  // Leaves without a word, or with one, whatever is going on.
  void vanish();
  bool has_left() const { return pq_.raw() == nullptr; }
  // The connection is of no more use, by what we did ourselves.
  void leave() { pq_.close(); }

  // What it has SET, and must find again.
  std::map<std::string, std::string> settings;
  // What each of its prepared statements answers in front of its parameter, by name.
  std::map<std::string, std::string> prepared;
  // Since when it may hold a server; session mode keeps it.
  Clock::time_point busy;
  Clock::time_point connected;

 private:
  World& world_;
  const Entry& entry_;
  const std::string tag_;
  std::mt19937& random_;
  test::Pq pq_;
};

test::Address address_of(const World& world, const Entry& entry, const std::string& tag);

}  // namespace remuda::soak
