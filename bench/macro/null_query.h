// What the null server understands of a query's text: enough for poolers and for our load, no more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace remuda::bench {

// One statement. `SELECT n[, repeat('x', w)] [FROM generate_series(1, r)]` answers r rows (else
// one) of n and of w bytes; n may be $1, and version() is answered as well. Everything else is
// answered by its tag alone.
struct NullQuery {
  enum class Kind { empty, select, set, reset_all, discard_all, deallocate_all, begin, end, other };

  Kind kind = Kind::other;
  std::string tag;     // of CommandComplete; SELECT's row count is added later
  std::string number;  // of a SELECT; empty if the parameter gives it
  size_t width = 0;    // of the second column; 0: there is none
  size_t rows = 1;
  std::string name, value;  // of SET
};

NullQuery parse_query(std::string_view statement);

// Cuts the first statement off the front of `text`, at a semicolon outside quotes.
std::string_view next_statement(std::string_view& text);

bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace remuda::bench
