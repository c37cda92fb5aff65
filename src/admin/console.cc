#include "admin/console.h"

#include <fmt/core.h>

#include "admin/call.h"
#include "admin/command_table.h"
#include "admin/commands.h"
#include "admin/extended_query.h"
#include "proxy/peer_name.h"
#include "proxy/version.h"
#include "proxy/worker.h"
#include "remuda/base/bytes.h"
#include "remuda/base/log.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/crypto.h"
#include "remuda/wire/reader.h"

namespace remuda::admin {
namespace {

// Beyond any command that the grammar takes.
constexpr size_t kLongestQuery = 4096;

void log_end(const Console& console, Control& control, std::string_view reason) {
  if (!control.snapshot().config->log_disconnections) return;
  log::info("{} closing because: {} (age={}s)", log_name(console), reason,
            (control.loop().now() - console.connect_time) / kSecond);
}

void log_error(const Console& console, Control& control, const char* text) {
  log::error("{}", text);
  if (control.snapshot().config->log_pooler_errors) {
    log::warning("{} pooler error: {}", log_name(console), text);
  }
}

// The text of a Query.
std::string query_text(const wire::Message& message) {
  wire::Reader reader(message.body);
  const ByteView text = reader.cstring();
  if (!reader.done() || text.size() > kLongestQuery) throw PgError("incomplete pkt");
  return std::string(text);
}

// Answers what a console cannot mean, and ends the conversation.
[[noreturn]] void refuse_message(pg::MessageStream& messages, Consoles& consoles, Console& console,
                                 char type) {
  const PgError error(fmt::format("unsupported packet type for admin console: {}",
                                  static_cast<unsigned char>(type)));
  std::string out = consoles.error_reply(console, error);
  wire::ready_for_query(out, 'I');
  messages.send(out);
  throw PgError("bad packet");
}

}  // namespace

std::string log_name(const Console& console) {
  return fmt::format("C-{:#014x}: {}/{}@{}", console.id, config::kConsoleName, console.user,
                     proxy::peer_name(console.stream, console.listen_port));
}

Console::Console(Consoles& its_consoles, io::Loop& loop, proxy::Admission admission)
    : consoles(its_consoles),
      places(std::move(admission.places)),
      id(admission.id),
      user(std::move(admission.user)),
      is_admin(admission.is_admin),
      parameters(std::move(admission.parameters)),
      key(its_consoles.new_key(admission.has_long_keys)),
      connect_time(admission.login_started),
      request_time(loop.now()),
      listen_port(its_consoles.control_.snapshot().config->listen_port),
      stream(io::Stream::adopt(loop, std::move(admission.parcel))) {
  consoles.list_.push_back(*this);
}

Console::~Console() {
  consoles.control_.shared().peer_keys.forget(key);
  consoles.list_.erase(*this);
  consoles.one_has_left();
}

Consoles::Consoles(Control& control) : control_(control), marks_(control.loop()) {}

proxy::CancelKey Consoles::new_key(bool is_long) {
  proxy::CancelKey key;
  last_key_ = (last_key_ + 1) & ((1u << proxy::CancelKey::kIndexBits) - 1);
  key.pid = proxy::CancelKey::kConsole << proxy::CancelKey::kIndexBits | last_key_;
  proxy::make_secret(key, is_long);
  return key;
}

void Consoles::admit(proxy::Admission admission) {
  if (control_.tasks().is_closing()) return;
  const Micros period = control_.snapshot().config->stats_period;
  if (!marks_.is_active() && period > 0) {
    marks_.repeat(period, [this] { stats_.mark(); });
  }
  ++stats_.now.client_logins;
  control_.tasks().spawn(serve(std::move(admission)));
}

io::Task<void> Consoles::serve(proxy::Admission admission) {
  Console console(*this, control_.loop(), std::move(admission));
  const io::CloseLink link(control_.tasks(), console.stream);
  try {
    co_await converse(console);
    log_end(console, control_, "client close request");
  } catch (const PgError& error) {
    log_error(console, control_, error.what());
    std::string out;
    wire::error_response(out, "FATAL", error.sqlstate(), error.what());
    console.stream.write(out);
    log_end(console, control_, error.what());
    console.stream.flush_and_close();
  } catch (const std::exception& error) {
    log_end(console, control_, error.what());
  }
}

std::string Consoles::greeting(const Console& console) const {
  std::string out;
  wire::authentication_ok(out);
  wire::parameter_status(out, "server_version",
                         fmt::format("{}/bouncer", proxy::kPgBouncerVersion));
  constexpr std::pair<const char*, const char*> kFixed[] = {
      {"client_encoding", "UTF8"}, {"server_encoding", "UTF8"},           {"DateStyle", "ISO"},
      {"TimeZone", "GMT"},         {"standard_conforming_strings", "on"}, {"is_superuser", "on"}};
  for (const auto& [name, value] : kFixed) wire::parameter_status(out, name, value);
  for (const auto& [name, value] : console.parameters) wire::parameter_status(out, name, value);
  const proxy::CancelKey shown =
      control_.shared().peer_keys.issue(control_.snapshot().config->peer_id, console.key);
  wire::backend_key_data(out, shown.pid, proxy::secret_bytes(shown));
  const std::string& notice = control_.snapshot().config->login_notify_message;
  if (!notice.empty()) wire::notice_response(out, notice);
  wire::ready_for_query(out, 'I');
  return out;
}

io::Task<void> Consoles::converse(Console& console) {
  pg::MessageStream messages(console.stream);
  ExtendedQuery extended(*this, console);
  messages.send(greeting(console));
  while (true) {
    const wire::Message message = co_await messages.next();
    console.request_time = control_.loop().now();
    stats_.now.received += message.body.size() + wire::kHeaderSize;
    if (message.type == 'X') co_return;
    std::string out;
    if (ExtendedQuery::takes(message.type)) {
      std::string reply = co_await extended.answer(message);
      out = std::move(reply);
    } else if (extended.is_skipping()) {
      continue;
    } else if (message.type == 'Q') {
      const std::string text = query_text(message);
      extended.forget_unnamed();
      std::string reply = co_await answer(console, text);
      out = std::move(reply);
    } else {
      refuse_message(messages, *this, console, message.type);
    }
    if (out.empty()) continue;
    stats_.now.sent += out.size();
    messages.send(out);
    // A slow reader gets no second answer on top of the first.
    co_await console.stream.drained();
  }
}

// As PgBouncer does, only the first command of a connection is counted.
void Consoles::count_command(Console& console) {
  if (console.has_asked) return;
  console.has_asked = true;
  ++stats_.now.queries;
  ++stats_.now.transactions;
}

std::string Consoles::error_reply(const Console& console, const PgError& error) {
  log_error(console, control_, error.what());
  std::string out;
  wire::error_response(out, "ERROR", error.sqlstate(), error.what());
  return out;
}

io::Task<std::string> Consoles::run(Console& console, std::string text) {
  struct Running {
    bool& flag;
    explicit Running(bool& f) : flag(f) { flag = true; }
    ~Running() { flag = false; }
  };
  const Running running(console.is_running);
  console.is_cancelled = false;
  count_command(console);
  const Statement statement = parse_statement(text);
  const Command* command = find_command(statement);
  if (!command) throw PgError(invalid_command(text));
  if (command->privilege == Privilege::control && !console.is_admin) {
    throw PgError("admin access needed");
  }
  Call call{control_, *this, console, statement.argument, statement.name, statement.value};
  co_return co_await command->run(call);
}

io::Task<std::string> Consoles::answer(Console& console, std::string text) {
  std::string out;
  try {
    std::string reply = co_await run(console, text);
    out = std::move(reply);
  } catch (const PgError& error) {
    out = error_reply(console, error);
  }
  wire::ready_for_query(out, 'I');
  co_return out;
}

void Consoles::cancel(proxy::CancelKey key) {
  if (control_.shared().shutdown != proxy::Shutdown::none) return;
  for (Console& console : list_) {
    if (console.key == key) console.is_cancelled = true;
  }
}

// With nobody left to say RESUME the pooler would stay silent for ever.
void Consoles::one_has_left() {
  if (!list_.empty() || !control_.shared().suspended || control_.tasks().is_closing()) return;
  log::info("admin disappeared when suspended, doing RESUME");
  resume_all(control_);
}

bool Consoles::kill(uint64_t id) {
  for (Console& console : list_) {
    if (console.id != id) continue;
    console.stream.interrupt(std::make_exception_ptr(PgError("admin forced disconnect")));
    return true;
  }
  return false;
}

}  // namespace remuda::admin
