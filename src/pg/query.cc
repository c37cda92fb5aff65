#include "pg/query.h"

#include <optional>

#include "pg/message_stream.h"
#include "remuda/wire/notice.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::pg {
namespace {

constexpr size_t kMostReported = 200;
constexpr char kNothingYet = 0;

// An exchange in progress.
struct QueryExchange {
  explicit QueryExchange(io::Stream& stream, QueryLimits its_limits)
      : messages(stream), limits(its_limits) {}

  MessageStream messages;
  const QueryLimits limits;
  QueryResult result;
  size_t bytes = 0;
  char last = kNothingYet;  // the type of the last reply
  std::optional<PgError> refusal;
};

[[noreturn]] void breach(const std::string& what) {
  throw PgError(wire::sqlstate::kProtocolViolation, "query failed: " + what);
}

void take_setting(QueryExchange& exchange, ByteView body) {
  wire::Reader reader(body);
  const ByteView name = reader.cstring();
  const ByteView value = reader.cstring();
  if (!reader.done()) breach("malformed ParameterStatus");
  if (exchange.result.reported.size() >= kMostReported) breach("too many parameters");
  exchange.result.reported.emplace_back(name, value);
}

// The next message that answers us. What a server may say at any time is dealt with here.
io::Task<wire::Message> next_reply(QueryExchange& exchange) {
  while (true) {
    const wire::Message message = co_await exchange.messages.next();
    exchange.bytes += wire::kHeaderSize + message.body.size();
    if (exchange.bytes > exchange.limits.bytes) breach("the answer is too long");
    if (message.type == 'S') {
      take_setting(exchange, message.body);
    } else if (message.type != 'N' && message.type != 'A') {
      co_return message;
    }
  }
}

// Whether a reply may come behind another: a query of ours asks for these and nothing else.
bool follows_extended(char last, char type) {
  switch (type) {
    case '1':
      return last == kNothingYet;
    case '2':
      return last == '1';
    case 'T':
    case 'n':
      return last == '2';
    case 'D':
      return last == 'T' || last == 'D';
    case 'C':
      return last == 'T' || last == 'D' || last == 'n';
    case 'I':
      return last == 'n';
    case 'Z':
      return last == 'C' || last == 'I';
    default:
      return false;
  }
}

bool follows_simple(char last, char type) {
  const bool between = last == kNothingYet || last == 'C';
  switch (type) {
    case 'T':
    case 'I':
      return between;
    case 'D':
      return last == 'T' || last == 'D';
    case 'C':
      return between || last == 'T' || last == 'D';
    case 'Z':
      return last == 'C' || last == 'I';
    default:
      return false;
  }
}

void take_columns(QueryExchange& exchange, ByteView body) {
  wire::Reader reader(body);
  exchange.result.columns = reader.u16();
  if (!reader.ok()) breach("malformed RowDescription");
}

void take_row(QueryExchange& exchange, ByteView body) {
  QueryResult& result = exchange.result;
  wire::Reader reader(body);
  if (reader.u16() != result.columns) breach("malformed DataRow");
  if (result.rows.size() >= exchange.limits.rows) breach("too many rows");
  Row& row = result.rows.emplace_back();
  for (size_t i = 0; i < result.columns && reader.ok(); ++i) {
    const int32_t size = reader.i32();
    if (size < -1) breach("malformed DataRow");
    wire::Value& value = row.emplace_back();
    if (size >= 0) value = std::string(reader.bytes(static_cast<size_t>(size)));
  }
  if (!reader.done()) breach("malformed DataRow");
}

// A fatal error ends the connection, so nothing is waited for.
void take_error(QueryExchange& exchange, ByteView body) {
  const wire::ErrorFields fields = wire::parse_error_fields(body);
  const PgError error(fields.sqlstate, std::string(fields.message));
  if (fields.is_fatal()) throw error;
  exchange.refusal = error;
}

void check_quiet(QueryExchange& exchange, ByteView status) {
  if (status != "I") breach("a transaction was left open");
  if (!exchange.messages.take_rest().empty()) breach("bytes behind ReadyForQuery");
}

// Reads the whole answer; `follows` knows its grammar. Rows are of no use to a simple query.
io::Task<QueryResult> read_answer(QueryExchange& exchange, bool (*follows)(char, char),
                                  bool keep_rows) {
  while (true) {
    const wire::Message reply = co_await next_reply(exchange);
    const bool expected = exchange.refusal ? reply.type == 'Z' : follows(exchange.last, reply.type);
    if (reply.type == 'E' && !exchange.refusal) {
      take_error(exchange, reply.body);
    } else if (!expected) {
      breach("unexpected message");
    } else if (reply.type == 'Z') {
      check_quiet(exchange, reply.body);
      break;
    } else if (reply.type == 'T' && keep_rows) {
      take_columns(exchange, reply.body);
    } else if (reply.type == 'D' && keep_rows) {
      take_row(exchange, reply.body);
    }
    exchange.last = reply.type;
  }
  if (exchange.refusal) {
    throw QueryRefusal(exchange.refusal->sqlstate(), exchange.refusal->what(),
                       std::move(exchange.result.reported));
  }
  co_return std::move(exchange.result);
}

// Parse, Bind, Describe, Execute and Sync; everything unnamed, everything text.
std::string extended_query(const std::string& sql, const std::vector<std::string>& parameters) {
  std::string out;
  wire::MessageBuilder(out, 'P').cstring("").cstring(sql).u16(0);
  {
    wire::MessageBuilder bind(out, 'B');
    bind.cstring("").cstring("").u16(0).u16(static_cast<uint16_t>(parameters.size()));
    for (const std::string& parameter : parameters) {
      bind.u32(static_cast<uint32_t>(parameter.size())).bytes(parameter);
    }
    bind.u16(0);
  }
  wire::MessageBuilder(out, 'D').u8('P').cstring("");
  wire::MessageBuilder(out, 'E').cstring("").u32(0);
  wire::MessageBuilder(out, 'S').finish();
  return out;
}

}  // namespace

io::Task<QueryResult> query(io::Stream& stream, std::string sql,
                            std::vector<std::string> parameters, QueryLimits limits) {
  QueryExchange exchange(stream, limits);
  exchange.messages.send(extended_query(sql, parameters));
  co_return co_await read_answer(exchange, follows_extended, true);
}

io::Task<QueryResult> simple(io::Stream& stream, std::string sql) {
  const QueryLimits limits;
  QueryExchange exchange(stream, limits);
  std::string out;
  wire::query(out, sql);
  exchange.messages.send(out);
  co_return co_await read_answer(exchange, follows_simple, false);
}

}  // namespace remuda::pg
