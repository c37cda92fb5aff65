#include "support/pq.h"

#include <openssl/ssl.h>
#include <poll.h>

#include <cctype>

namespace remuda::test {
namespace {

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  return text;
}

std::string quoted(const std::string& value) {
  std::string result = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

std::string conninfo(const Address& a) {
  std::string text = "host=" + quoted(a.host) + " port=" + std::to_string(a.port) +
                     " dbname=" + quoted(a.dbname) + " user=" + quoted(a.user);
  if (!a.password.empty()) text += " password=" + quoted(a.password);
  return text + " sslmode=disable gssencmode=disable client_encoding=UTF8 " + a.options;
}

// Waits for the socket; throws when the deadline passes first. What OpenSSL has already read of it
// will not make it readable again.
void wait_socket(PGconn* connection, short events, const char* what) {
  const auto* tls = static_cast<const SSL*>(PQgetssl(connection));
  if (tls && SSL_pending(tls) > 0) return;
  pollfd entry{PQsocket(connection), events, 0};
  if (poll(&entry, 1, static_cast<int>(kPatience.count())) == 0)
    throw PqError("", std::string("no answer in time: ") + what);
}

// libpq keeps no SQLSTATE of a refused login, but prints it: "FATAL:  28P01: text".
PqError login_error(const std::string& printed) {
  const std::string marker = "FATAL:  ";
  const auto start = printed.find(marker);
  const auto code = start + marker.size();
  if (start == std::string::npos || printed.size() < code + 7 || printed[code + 5] != ':')
    return PqError("", trimmed(printed));
  const auto text = code + 7;
  const auto end = printed.find('\n', text);
  return PqError(printed.substr(code, 5), printed.substr(text, end - text));
}

void complete_login(PGconn* connection) {
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) throw login_error(PQerrorMessage(connection));
    wait_socket(connection, state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, "login");
    state = PQconnectPoll(connection);
  }
}

void remember_notice(void* notices, const PGresult* result) {
  char* text = PQresultVerboseErrorMessage(result, PQERRORS_VERBOSE, PQSHOW_CONTEXT_NEVER);
  static_cast<std::vector<std::string>*>(notices)->push_back(trimmed(text ? text : ""));
  PQfreemem(text);
}

bool is_error(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

}  // namespace

PqError::PqError(std::string state, std::string text)
    : std::runtime_error(state + ": " + text),
      sqlstate(std::move(state)),
      message(std::move(text)) {}

struct Pq::Connection {
  PGconn* handle = nullptr;
  std::vector<std::string> notices;
  ~Connection() {
    if (handle) PQfinish(handle);
  }
};

Pq::Pq(const Address& address) : connection_(std::make_unique<Connection>()) {
  connection_->handle = PQconnectStart(conninfo(address).c_str());
  if (PQstatus(raw()) == CONNECTION_BAD) throw PqError("", trimmed(PQerrorMessage(raw())));
  PQsetErrorVerbosity(raw(), PQERRORS_VERBOSE);
  PQsetNoticeReceiver(raw(), remember_notice, &connection_->notices);
  complete_login(raw());
}

Pq::Pq(Pq&&) noexcept = default;
Pq& Pq::operator=(Pq&&) noexcept = default;
Pq::~Pq() = default;

PGconn* Pq::raw() const {
  return connection_->handle;
}
const std::vector<std::string>& Pq::notices() const {
  return connection_->notices;
}

Result Pq::next_result() {
  while (PQstatus(raw()) == CONNECTION_OK && PQisBusy(raw())) {
    // What could not be sent at once must go out, or the answer never comes.
    const bool unsent = PQflush(raw()) == 1;
    wait_socket(raw(), unsent ? POLLIN | POLLOUT : POLLIN, "a result");
    if (!PQconsumeInput(raw())) break;
  }
  return make_result(PQgetResult(raw()));
}

std::vector<Result> Pq::all_results() {
  std::vector<Result> results;
  while (true) {
    Result result = next_result();
    if (!result) return results;
    const auto status = PQresultStatus(result.get());
    results.push_back(std::move(result));
    // A COPY goes on by other calls.
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) return results;
  }
}

Rows Pq::finish() {
  const auto results = all_results();
  for (const auto& result : results) check_result(result.get());
  return results.empty() ? Rows{} : rows_of(results.back().get());
}

void Pq::send(const std::string& sql) {
  if (!PQsendQuery(raw(), sql.c_str())) throw PqError("", trimmed(PQerrorMessage(raw())));
}

std::string Pq::copy_data() {
  std::string rows;
  while (true) {
    char* data = nullptr;
    const int size = PQgetCopyData(raw(), &data, 1);
    if (size < 0) return rows;
    if (size > 0) rows.append(data, static_cast<size_t>(size));
    PQfreemem(data);
    if (size == 0) wait_socket(raw(), POLLIN, "COPY data");
    if (size == 0 && !PQconsumeInput(raw())) throw PqError("", trimmed(PQerrorMessage(raw())));
  }
}

Rows Pq::exec(const std::string& sql) {
  send(sql);
  return finish();
}

Rows Pq::exec_params(const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter.c_str());
  if (!PQsendQueryParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                         values.data(), nullptr, nullptr, 0))
    throw PqError("", trimmed(PQerrorMessage(raw())));
  return finish();
}

std::string Pq::value(const std::string& sql) {
  const Rows rows = exec(sql);
  if (rows.size() != 1 || rows[0].size() != 1 || !rows[0][0])
    throw PqError("", "not a single value: " + sql);
  return *rows[0][0];
}

bool Pq::closed() {
  if (PQstatus(raw()) == CONNECTION_BAD) return true;
  pollfd entry{PQsocket(raw()), POLLIN, 0};
  if (poll(&entry, 1, 0) == 1) PQconsumeInput(raw());
  return PQstatus(raw()) == CONNECTION_BAD;
}

bool Pq::wait_closed(milliseconds timeout) {
  return eventually([this] { return closed(); }, timeout);
}

bool Pq::cancel() const {
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> request(PQgetCancel(raw()),
                                                                   PQfreeCancel);
  char error[256];
  return request && PQcancel(request.get(), error, sizeof error);
}

void Pq::close() {
  if (connection_->handle) PQfinish(connection_->handle);
  connection_->handle = nullptr;
}

Result make_result(PGresult* result) {
  return Result(result, PQclear);
}

Rows rows_of(const PGresult* result) {
  Rows rows(static_cast<size_t>(PQntuples(result)));
  for (int r = 0; r < PQntuples(result); ++r) {
    for (int c = 0; c < PQnfields(result); ++c) {
      Field field;
      if (!PQgetisnull(result, r, c)) field = PQgetvalue(result, r, c);
      rows[static_cast<size_t>(r)].push_back(std::move(field));
    }
  }
  return rows;
}

std::string sqlstate_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state ? state : "";
}

void check_result(const PGresult* result) {
  if (!is_error(result)) return;
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  throw PqError(sqlstate_of(result), message ? message : trimmed(PQresultErrorMessage(result)));
}

}  // namespace remuda::test
