// What a load client sends. Each request asks for a number nobody else asked for, so that an answer
// that went to the wrong client is noticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace remuda::bench {

// simple: one Query. extended: unnamed Parse, Bind, Describe, Execute, Sync. prepared: the same
// with a statement parsed once per client. pipeline: `depth` times extended before one Sync. login:
// connect, one simple query, leave.
enum class Mode { simple, extended, prepared, pipeline, login };

std::optional<Mode> parse_mode(std::string_view name);

struct Workload {
  Mode mode = Mode::simple;
  size_t depth = 1;  // answers per request; above 1 only in pipeline mode
  size_t width = 0;  // bytes beside the number in each row; 0: no such column
  size_t rows = 1;   // rows per answer
};

void put_tls_request(std::string& out);
void put_startup(std::string& out, std::string_view user, std::string_view dbname);
void put_terminate(std::string& out);

// Parses the statement of prepared mode.
void put_preparation(std::string& out, const Workload& workload);

// Asks for `number` and, in a pipeline, for those that follow it.
void put_request(std::string& out, const Workload& workload, int64_t number);

}  // namespace remuda::bench
