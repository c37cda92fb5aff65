#include "failover/patroni_cluster.h"

#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "support/postgres.h"

namespace remuda::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPython = "/usr/bin/python3";
constexpr std::pair<const char*, const char*> kModules[] = {
    {"patroni", "patroni"}, {"etcd", "python3-etcd"}, {"psycopg2", "python3-psycopg2"}};

// ttl is how long a leader that was killed is still believed in.
constexpr const char* kConfiguration = R"(
scope: failover
name: {name}
restapi: {listen: "127.0.0.1:{rest_port}", connect_address: "127.0.0.1:{rest_port}"}
etcd3: {host: "127.0.0.1:{etcd_port}"}
bootstrap:
  dcs:
    ttl: 8
    loop_wait: 1
    retry_timeout: 3
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters: {fsync: "off", max_connections: 60, shared_buffers: 16MB, wal_keep_size: 64MB}
  initdb: [{encoding: UTF8}, {locale: C}, {auth: trust}, no-sync]
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{port}
  data_dir: {dir}/{name}
  bin_dir: {programs}
  pgpass: {dir}/{name}.pgpass
  authentication: {superuser: {username: postgres}, replication: {username: postgres}}
  parameters: {unix_socket_directories: {dir}}
  pg_hba: [host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust]
  basebackup: [{checkpoint: fast}, no-sync]
tags: {{tags}}
)";

std::string filled(std::string text, const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) {
    const std::string mark = "{" + name + "}";
    for (size_t at = 0; (at = text.find(mark, at)) != text.npos; at += value.size()) {
      text.replace(at, mark.size(), value);
    }
  }
  return text;
}

std::string root() {
  const char* named = std::getenv("REMUDA_PATRONI_ROOT");
  return named ? named : "";
}

std::map<std::string, std::string> python_environment() {
  return {{"PYTHONPATH", root() + "/usr/lib/python3/dist-packages"}};
}

bool has_module(const std::string& name) {
  if (!fs::exists(kPython)) return false;
  Process python(
      {.argv = {kPython, "-B", "-c", "import " + name}, .environment = python_environment()});
  return python.wait_exit() == 0;
}

}  // namespace

HttpRequest::HttpRequest(int port, const std::string& method, const std::string& path,
                         const std::string& body)
    : channel_(connect_tcp(port)) {
  channel_.send(method + " " + path +
                " HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

int HttpRequest::status() {
  std::string version;
  int code = 0;
  std::istringstream(channel_.read_rest()) >> version >> code;
  return code;
}

std::string PatroniCluster::missing() {
  std::string packages;
  if (!fs::exists(root() + "/usr/bin/etcd")) packages += " etcd-server";
  for (const auto& [module, package] : kModules) {
    if (!has_module(module)) packages += " " + std::string(package);
  }
  return packages;
}

PatroniCluster::PatroniCluster() {
  start_etcd();
  start(0);
  wait_for("/leader", 0);
  Pq(address(0, "postgres")).exec("CREATE DATABASE p0");
  start(1);
  start(2);
  wait_for("/sync", 1);
  wait_for("/replica", 2);
}

PatroniCluster::~PatroniCluster() {
  for (Member& member : members_) {
    if (member.patroni) member.patroni->signal(SIGTERM);
  }
  for (Member& member : members_) {
    if (member.patroni) member.patroni->wait_exit(seconds(20));
    member.patroni.reset();
    kill_postgres(member);
  }
}

void PatroniCluster::start_etcd() {
  const std::string url = "http://127.0.0.1:" + std::to_string(etcd_port_);
  const std::string peer_url = "http://127.0.0.1:" + std::to_string(free_port());
  etcd_.emplace(Command{
      .argv = {root() + "/usr/bin/etcd", "--data-dir=" + dir_.file("etcd"),
               "--listen-client-urls=" + url, "--advertise-client-urls=" + url,
               "--listen-peer-urls=" + peer_url, "--initial-advertise-peer-urls=" + peer_url,
               "--initial-cluster=default=" + peer_url},
      .output = dir_.file("etcd.log"),
      .directory = dir_.path()});
  const auto is_healthy = [this] {
    return is_listening(etcd_port_) && HttpRequest(etcd_port_, "GET", "/health").status() == 200;
  };
  if (!eventually(is_healthy)) {
    throw std::runtime_error("etcd did not start:\n" + read_file(dir_.file("etcd.log")));
  }
}

Address PatroniCluster::address(size_t member, const std::string& dbname) const {
  return {.port = port(member), .dbname = dbname, .user = "postgres"};
}

std::string PatroniCluster::urls() const {
  std::string urls;
  for (const Member& member : members_) {
    urls += (urls.empty() ? "" : ",") + ("http://127.0.0.1:" + std::to_string(member.rest_port));
  }
  return urls;
}

bool PatroniCluster::is(const std::string& path, size_t member) const {
  try {
    return request(member, "GET", path, "").status() == 200;
  } catch (const std::exception&) {
    return false;  // it does not run yet
  }
}

void PatroniCluster::wait_for(const std::string& path, size_t member) const {
  if (eventually([&] { return is(path, member); })) return;
  throw std::runtime_error("Patroni does not say " + path + ":\n" +
                           read_file(dir_.file(members_[member].name + ".log")));
}

HttpRequest PatroniCluster::request(size_t member, const std::string& method,
                                    const std::string& path, const std::string& body) const {
  return HttpRequest(members_[member].rest_port, method, path, body);
}

void PatroniCluster::start(size_t number) {
  Member& member = members_[number];
  write_configuration(member);
  member.patroni.emplace(
      Command{.argv = {kPython, "-B", "-m", "patroni", dir_.file(member.name + ".yml")},
              .output = dir_.file(member.name + ".log"),
              .directory = dir_.path(),
              .environment = python_environment(),
              .death_signal = SIGTERM});
}

void PatroniCluster::write_configuration(const Member& member) const {
  const fs::path server = PostgresServer::program("postgres");
  write_file(dir_.file(member.name + ".yml"),
             filled(kConfiguration, {{"name", member.name},
                                     {"port", std::to_string(member.port)},
                                     {"rest_port", std::to_string(member.rest_port)},
                                     {"etcd_port", std::to_string(etcd_port_)},
                                     {"dir", dir_.path()},
                                     {"programs", server.parent_path()},
                                     {"tags", member.tags}}));
}

void PatroniCluster::kill(size_t number) {
  Member& member = members_[number];
  member.patroni->signal(SIGKILL);
  kill_postgres(member);
  member.patroni->wait_exit();
  member.patroni.reset();
}

std::string PatroniCluster::postmaster_file(const Member& member) const {
  return dir_.file(member.name + "/postmaster.pid");
}

// A server is not Patroni's child: only its file tells which it is.
void PatroniCluster::kill_postgres(const Member& member) const {
  pid_t postmaster = 0;
  std::istringstream(read_file(postmaster_file(member))) >> postmaster;
  // The file may be left over, and the number another's.
  if (read_file("/proc/" + std::to_string(postmaster) + "/comm") != "postgres\n") return;
  PostgresServer::kill(postmaster);
  eventually([&] { return !is_listening(member.port); });
}

void PatroniCluster::set_tags(size_t number, const std::string& tags) {
  members_[number].tags = tags;
  write_configuration(members_[number]);
  members_[number].patroni->signal(SIGHUP);
}

}  // namespace remuda::test
