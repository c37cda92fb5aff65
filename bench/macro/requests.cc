#include "macro/requests.h"

#include <array>
#include <utility>

#include "macro/packet.h"

namespace remuda::bench {
namespace {

constexpr uint32_t kProtocol3 = 3u << 16;
constexpr uint32_t kTlsRequest = 1234u << 16 | 5679u;
constexpr std::string_view kStatement = "s1";

// The null server and PostgreSQL understand it alike.
std::string query_text(const Workload& workload, std::string_view number) {
  std::string text = "SELECT ";
  text += number;
  if (workload.width > 0) text += ", repeat('x', " + std::to_string(workload.width) + ")";
  if (workload.rows > 1) text += " FROM generate_series(1, " + std::to_string(workload.rows) + ")";
  return text;
}

void put_query(std::string& out, std::string_view text) {
  Packet packet(out, 'Q');
  put_text(out, text);
}

void put_parse(std::string& out, std::string_view name, std::string_view text) {
  Packet packet(out, 'P');
  put_text(out, name);
  put_text(out, text);
  put_u16(out, 0);
}

void put_bind(std::string& out, std::string_view statement, std::string_view number) {
  Packet packet(out, 'B');
  put_text(out, "");
  put_text(out, statement);
  put_u16(out, 0);
  put_u16(out, 1);
  put_u32(out, static_cast<uint32_t>(number.size()));
  out.append(number);
  put_u16(out, 0);
}

void put_describe_portal(std::string& out) {
  Packet packet(out, 'D');
  put_text(out, "P");
}

void put_execute(std::string& out) {
  Packet packet(out, 'E');
  put_text(out, "");
  put_u32(out, 0);
}

void put_sync(std::string& out) {
  Packet packet(out, 'S');
}

}  // namespace

std::optional<Mode> parse_mode(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Mode>, 5> kModes{
      {{"simple", Mode::simple},
       {"extended", Mode::extended},
       {"prepared", Mode::prepared},
       {"pipeline", Mode::pipeline},
       {"login", Mode::login}}};
  for (const auto& [known, mode] : kModes) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

void put_tls_request(std::string& out) {
  Packet packet(out, '\0');
  put_u32(out, kTlsRequest);
}

void put_startup(std::string& out, std::string_view user, std::string_view dbname) {
  Packet packet(out, '\0');
  put_u32(out, kProtocol3);
  put_text(out, "user");
  put_text(out, user);
  put_text(out, "database");
  put_text(out, dbname);
  out.push_back('\0');
}

void put_terminate(std::string& out) {
  Packet packet(out, 'X');
}

void put_preparation(std::string& out, const Workload& workload) {
  put_parse(out, kStatement, query_text(workload, "$1::int8"));
  put_sync(out);
}

void put_request(std::string& out, const Workload& workload, int64_t number) {
  if (workload.mode == Mode::simple || workload.mode == Mode::login) {
    return put_query(out, query_text(workload, std::to_string(number)));
  }
  const bool prepared = workload.mode == Mode::prepared;
  for (size_t i = 0; i < workload.depth; ++i) {
    if (!prepared) put_parse(out, "", query_text(workload, "$1::int8"));
    put_bind(out, prepared ? kStatement : "", std::to_string(number + static_cast<int64_t>(i)));
    put_describe_portal(out);
    put_execute(out);
  }
  put_sync(out);
}

}  // namespace remuda::bench
