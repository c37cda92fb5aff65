#include "soak/visit.h"

#include <sys/socket.h>

namespace remuda::soak {

using namespace test;

void Failures::add(const std::string& text) {
  std::lock_guard lock(mutex_);
  ++count_;
  texts_.push_back(text);
}

std::vector<std::string> Failures::texts() const {
  std::lock_guard lock(mutex_);
  return texts_;
}

Address address_of(const World& world, const Entry& entry, const std::string& tag) {
  Address address = world.remuda.address(entry.database, entry.user, entry.password);
  address.options = "application_name=" + tag;
  if (entry.has_tls) address.options += " sslmode=require";
  return address;
}

Visit::Visit(World& world, const Entry& entry, const std::string& tag, std::mt19937& random)
    : busy(Clock::now()),
      connected(busy),
      world_(world),
      entry_(entry),
      tag_(tag),
      random_(random),
      pq_(address_of(world, entry, tag)) {
  settings["application_name"] = tag;
  ++world.counts.connections;
}

std::string Visit::marker() {
  return tag_ + "-" + std::to_string(++world_.unique);
}

void Visit::check(const std::string& got, const std::string& expected) const {
  if (got != expected)
    throw WrongAnswer("asked for '" + expected + "', told '" + got.substr(0, 200) + "'");
  ++world_.counts.answers;
}

void Visit::want(const std::string& sql, const std::string& expected) {
  check(pq_.value(sql), expected);
}

void Visit::want_error(const std::string& sql, const std::string& sqlstate) {
  const PqError error = pq_error([&] { pq_.exec(sql); });
  if (error.message == "no error") throw WrongAnswer("no error of " + sql);
  if (error.sqlstate != sqlstate) throw error;
  ++world_.counts.answers;
}

void Visit::vanish() {
  ++world_.counts.vanished;
  const int fd = PQsocket(pq_.raw());
  switch (random(3)) {
    case 0:
      break;
    case 1:
      shutdown(fd, SHUT_RDWR);
      break;
    default: {
      // Closing it is a reset then.
      const linger hard{1, 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
  }
  pq_.close();
}

}  // namespace remuda::soak
