#include "daemon/listeners.h"

#include <fmt/format.h>

#include <cstdlib>

#include "daemon/listen_addresses.h"
#include "daemon/passed_sockets.h"
#include "proxy/refusal.h"
#include "proxy/socket_options.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::daemon {
namespace {

io::ListenOptions listen_options(const config::Config& config, int highest_fd) {
  io::ListenOptions options;
  options.backlog = config.listen_backlog;
  options.reuse_port = config.so_reuseport;
  options.defer_accept = config.tcp_defer_accept;
  options.tcp = proxy::tcp_options(config);
  options.unix_mode = static_cast<mode_t>(config.unix_socket_mode);
  options.unix_group = config.unix_socket_group;
  wire::error_response(options.refusal, "FATAL", wire::sqlstate::kTooManyConnections,
                       proxy::kNoDescriptors);
  options.highest_fd = highest_fd;
  return options;
}

io::Address unix_address(const config::Config& config) {
  return io::Address::unix_socket(config.unix_socket_dir, config.listen_port);
}

// The settings that sockets of the service manager replace.
void warn_of_ignored(const config::Config& config) {
  constexpr const char* kText = "sockets passed from service manager, {} ignored";
  if (!config.listen_addr.empty()) log::warning(kText, "listen_addr");
  const std::string& dir = config.unix_socket_dir;
  if (!dir.empty() && dir != config::Config().unix_socket_dir) {
    log::warning(kText, "unix_socket_dir");
  }
}

}  // namespace

void check_unix_socket(const config::Config& config) {
  if (config.unix_socket_dir.empty() || passed_socket_count() > 0) return;
  io::check_unix_socket(unix_address(config));
}

Listeners::Listeners(io::Loop& loop, const config::Config& config, int highest_fd,
                     OnConnection accepted)
    : loop_(loop),
      options_(listen_options(config, highest_fd)),
      accepted_([accepted = std::move(accepted)](io::FileDescriptor fd, const io::Address&) {
        accepted(std::move(fd));
      }) {
  const int passed = passed_socket_count();
  if (passed > 0) {
    warn_of_ignored(config);
    take_passed(passed);
  } else {
    open_configured(config);
  }
  if (all_.empty()) throw PgError("nowhere to listen on");
}

void Listeners::take_passed(int count) {
  for (int i = 0; i < count; ++i) {
    PassedSocket passed = take_passed_socket(i);
    const int fd = passed.fd.get();
    try {
      add(std::make_unique<io::Listener>(loop_, std::move(passed.fd), options_, accepted_));
    } catch (const SystemError& error) {
      throw PgError(fmt::format("failed to set up socket passed from service manager (fd {}): {}",
                                fd, error.what()));
    }
    log::info("socket passed from service manager (fd {}{}{})", fd, passed.name.empty() ? "" : ", ",
              passed.name);
  }
}

void Listeners::open_configured(const config::Config& config) {
  for (const std::string& host : config.listen_addr) {
    open_tcp(host, static_cast<uint16_t>(config.listen_port));
  }
  if (!config.listen_addr.empty() && all_.empty()) {
    throw PgError("failed to listen on any address in listen_addr list: " +
                  fmt::format("{}", fmt::join(config.listen_addr, ",")));
  }
  open_unix(config);
}

void Listeners::open_tcp(const std::string& host, uint16_t port) {
  for (const io::Address& address : listen_addresses(host, port)) {
    try {
      add(std::make_unique<io::Listener>(loop_, address, options_, accepted_));
    } catch (const SystemError& error) {
      log::warning("{}", error.what());
    }
  }
}

void Listeners::open_unix(const config::Config& config) {
  if (config.unix_socket_dir.empty()) return;
  const io::Address address = unix_address(config);
  add(std::make_unique<io::Listener>(loop_, address, options_, accepted_));
}

void Listeners::add(std::unique_ptr<io::Listener> listener) {
  log::info("listening on {}", listener->address().text());
  all_.push_back(std::move(listener));
}

void Listeners::adopt(const config::Config& config) {
  for (const auto& listener : all_) {
    listener->set_defer_accept(config.tcp_defer_accept);
    listener->set_connection_options(proxy::tcp_options(config));
  }
}

void Listeners::pause() {
  for (const auto& listener : all_) listener->pause();
}

void Listeners::resume() {
  for (const auto& listener : all_) listener->resume();
}

void Listeners::close_tcp() {
  std::erase_if(all_, [](const auto& listener) { return listener->address().is_inet(); });
}

void Listeners::close() {
  all_.clear();
}

}  // namespace remuda::daemon
