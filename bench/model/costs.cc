#include "model/costs.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace remuda::bench::model {
namespace {

using Json = nlohmann::json;

// Anything larger is a slip of the unit: a second per message.
constexpr double kMost = 1e6;

double number(const Json& file, const char* group, const char* name) {
  const double value = file.at(group).at(name).at("value").get<double>();
  if (!(value >= 0 && value <= kMost)) {
    throw std::runtime_error(std::string(name) + " is not a number from 0 to 1000000");
  }
  return value;
}

int count(const Json& file, const char* name) {
  const double value = number(file, "rules", name);
  if (value < 1 || value != std::floor(value)) {
    throw std::runtime_error(std::string(name) + " is not a whole number from 1 on");
  }
  return static_cast<int>(value);
}

Costs costs_of(const Json& file) {
  const auto cost = [&file](const char* name) { return number(file, "costs", name); };
  Costs costs;
  costs.event = cost("event");
  costs.wake = cost("wake");
  costs.change = cost("change");
  costs.doze = cost("doze");
  costs.poll = cost("poll");
  costs.wake_delay = cost("wake_delay");
  costs.tls_event = cost("tls_event");
  costs.extended_query = cost("extended_query");
  costs.login_trust = cost("login_trust");
  costs.login_scram = cost("login_scram");
  costs.login_tls = cost("login_tls");
  costs.handshake = cost("handshake");
  costs.lend = cost("lend");
  costs.adopt = cost("adopt");
  costs.message = cost("message");
  costs.dial = cost("dial");
  costs.bench_event = cost("bench_event");
  costs.bench_wake = cost("bench_wake");
  costs.spread = number(file, "rules", "spread");
  if (costs.spread > 1) throw std::runtime_error("spread is not a number from 0 to 1");
  costs.patience = number(file, "rules", "patience");
  costs.overtaking = count(file, "overtaking");
  costs.servers_per_home = count(file, "servers_per_home");
  costs.clients_per_home = count(file, "clients_per_home");
  costs.threads_per_worker = count(file, "threads_per_worker");
  return costs;
}

}  // namespace

Costs read_costs(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error(path + ": cannot be read");
  try {
    return costs_of(Json::parse(stream));
  } catch (const std::exception& fault) {
    throw std::runtime_error(path + ": " + fault.what());
  }
}

}  // namespace remuda::bench::model
