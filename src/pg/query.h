// A query of our own on a server that is lent to a task: asked, answered, and nothing left behind.
// The stream is pulled and quiet: the server owes nothing. What comes back is bounded, whatever the
// server sends. One task.
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Simple Query, Extended Query.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "io/stream.h"
#include "io/task.h"
#include "remuda/base/error.h"
#include "remuda/wire/builder.h"

namespace remuda::pg {

using Row = std::vector<wire::Value>;

struct QueryResult {
  size_t columns = 0;  // 0 also when the statement returns no rows at all
  std::vector<Row> rows;
  std::vector<wire::Parameter> reported;  // run-time parameters that changed meanwhile, in order
};

// More than this is a breach: whoever asks for one row has no use for a table.
struct QueryLimits {
  size_t rows = 16;
  size_t bytes = 256 * 1024;  // of all messages of the answer together
};

// The server answered by an error, was read up to ReadyForQuery, and can be asked again.
class QueryRefusal : public PgError {
 public:
  QueryRefusal(SqlState state, const std::string& message, std::vector<wire::Parameter> changed)
      : PgError(state, message), reported(std::move(changed)) {}
  std::vector<wire::Parameter> reported;
};

// Runs one statement by the extended protocol with unnamed objects; parameters and results are
// text, and a parameter never becomes part of the statement. Throws QueryRefusal; PgError (a breach
// of the protocol or of the limits, a fatal error, a transaction left open), Closed and TimedOut,
// after which the connection is to be closed.
io::Task<QueryResult> query(io::Stream& stream, std::string sql,
                            std::vector<std::string> parameters, QueryLimits limits);

// Runs what may be several statements by the simple protocol. Rows are dropped; errors as above.
io::Task<QueryResult> simple(io::Stream& stream, std::string sql);

}  // namespace remuda::pg
