#include "soak/rest.h"

#include <algorithm>
#include <filesystem>

namespace remuda::soak {

using namespace test;

namespace {

// The console's own row has whoever asks.
bool is_console(const Record& record, const char* column) {
  return record.count(column) > 0 && record.at(column) == "pgbouncer";
}

void want_zero(std::vector<std::string>& complaints, const std::string& table, const Record& record,
               const std::string& name, const std::vector<std::string>& columns) {
  for (const std::string& column : columns) {
    if (record.at(column) != "0")
      complaints.push_back("SHOW " + table + ": " + name + " has " + column + " = " +
                           record.at(column));
  }
}

std::vector<std::string> busy_clients(const Remuda& remuda) {
  std::vector<std::string> complaints;
  for (const Record& pool : remuda.show("POOLS")) {
    if (is_console(pool, "database")) continue;
    want_zero(complaints, "POOLS", pool, pool.at("database") + "/" + pool.at("user"),
              {"cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req",
               "sv_active", "sv_active_cancel", "sv_being_canceled", "sv_tested"});
  }
  for (const Record& database : remuda.show("DATABASES")) {
    if (is_console(database, "name")) continue;
    want_zero(complaints, "DATABASES", database, database.at("name"),
              {"current_client_connections", "paused", "disabled"});
  }
  for (const Record& user : remuda.show("USERS")) {
    if (user.at("name") == "postgres" || user.at("name") == "pgbouncer") continue;
    want_zero(complaints, "USERS", user, user.at("name"), {"current_client_connections"});
  }
  for (const Record& list : remuda.show("LISTS")) {
    if (list.at("list") == "login_clients")
      want_zero(complaints, "LISTS", list, "login_clients", {"items"});
    if (list.at("list") == "used_clients" && list.at("items") != "1")
      complaints.push_back("SHOW LISTS: used_clients = " + list.at("items"));
  }
  return complaints;
}

std::vector<std::string> open_servers(const Remuda& remuda, const PostgresServer& server) {
  std::vector<std::string> complaints;
  for (const Record& pool : remuda.show("POOLS")) {
    if (is_console(pool, "database")) continue;
    want_zero(complaints, "POOLS", pool, pool.at("database"), {"sv_idle", "sv_used", "sv_login"});
  }
  for (const Record& database : remuda.show("DATABASES")) {
    if (is_console(database, "name")) continue;
    want_zero(complaints, "DATABASES", database, database.at("name"), {"current_connections"});
  }
  for (const Record& user : remuda.show("USERS"))
    want_zero(complaints, "USERS", user, user.at("name"), {"current_connections"});
  for (const Record& list : remuda.show("LISTS")) {
    if (list.at("list") == "used_servers")
      want_zero(complaints, "LISTS", list, "used_servers", {"items"});
  }
  for (const char* name : {"p0", "p1", "p2"}) {
    // The one that asks is on another database.
    if (const int count = server.backends(name); count > 0)
      complaints.push_back(std::to_string(count) + " backends of " + name + " remain");
  }
  return complaints;
}

template <class Number>
Number median(std::vector<Number> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

}  // namespace

std::vector<std::string> check_rest(const Remuda& remuda, const PostgresServer& server) {
  if (!eventually([&] { return busy_clients(remuda).empty(); })) return busy_clients(remuda);
  remuda.console().exec("PAUSE");
  const bool is_empty = eventually([&] { return open_servers(remuda, server).empty(); });
  const auto complaints = is_empty ? std::vector<std::string>() : open_servers(remuda, server);
  remuda.console().exec("RESUME");
  return complaints;
}

int descriptors(const Remuda& remuda) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(remuda.pid()) + "/fd");
  return static_cast<int>(std::distance(begin(all), end(all)));
}

void Holdings::measure(const Remuda& remuda) {
  resident.push_back(remuda.resident());
  descriptors.push_back(soak::descriptors(remuda));
}

std::vector<std::string> Holdings::growth() const {
  std::vector<std::string> complaints;
  const auto third = static_cast<std::ptrdiff_t>(resident.size() / 3);
  if (third < 2) return complaints;
  // The first round fills caches; the second third is as warm as it gets.
  const long before = median<long>({resident.begin() + third, resident.end() - third});
  const long after = median<long>({resident.end() - third, resident.end()});
  constexpr long kNoise = 6000;
  if (after > before + before / 20 + kNoise)
    complaints.push_back("resident memory grew from " + std::to_string(before) + " to " +
                         std::to_string(after) + " kB");
  if (descriptors.back() > descriptors.front() + 2)
    complaints.push_back("descriptors grew from " + std::to_string(descriptors.front()) + " to " +
                         std::to_string(descriptors.back()));
  return complaints;
}

}  // namespace remuda::soak
