#include "macro/load_report.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>

namespace remuda::bench {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

double micros(double nanos) {
  return nanos / 1000;
}

double percentile(const Totals& totals, double share) {
  return micros(
      static_cast<double>(std::min(totals.latency.percentile(share), totals.latency_max)));
}

}  // namespace

Nanos now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Nanos{time.tv_sec} * 1000000000 + time.tv_nsec;
}

void Totals::record(Nanos nanos) {
  latency.record(nanos);
  latency_sum += static_cast<double>(nanos);
  latency_max = std::max(latency_max, nanos);
}

void Totals::fail(const std::string& text, bool is_wrong) {
  ++(is_wrong ? wrong : errors);
  if (first_error.empty()) first_error = text;
}

void Totals::add(const Totals& other) {
  latency.merge(other.latency);
  latency_sum += other.latency_sum;
  latency_max = std::max(latency_max, other.latency_max);
  completed += other.completed;
  in_time += other.in_time;
  errors += other.errors;
  wrong += other.wrong;
  bytes += other.bytes;
  unsent += other.unsent;
  if (first_error.empty()) first_error = other.first_error;
}

void print_report(const std::string& state, const Totals& totals, size_t clients, double seconds) {
  const auto requests = static_cast<double>(std::max<uint64_t>(totals.latency.count(), 1));
  fmt::print(
      "{{\"state\": \"{}\", \"clients\": {}, \"seconds\": {:.3f}, \"transactions\": {}, "
      "\"tps\": {:.1f}, \"mean_us\": {:.1f}, \"p50_us\": {:.1f}, \"p90_us\": {:.1f}, "
      "\"p99_us\": {:.1f}, \"p999_us\": {:.1f}, \"max_us\": {:.1f}, \"unsent\": {}, \"bytes\": {}, "
      "\"errors\": {}, \"wrong\": {}, \"first_error\": {}}}\n",
      state, clients, seconds, totals.completed,
      seconds > 0 ? static_cast<double>(totals.in_time) / seconds : 0.0,
      micros(totals.latency_sum / requests), percentile(totals, 0.5), percentile(totals, 0.9),
      percentile(totals, 0.99), percentile(totals, 0.999),
      micros(static_cast<double>(totals.latency_max)), totals.unsent, totals.bytes, totals.errors,
      totals.wrong, quoted(totals.first_error));
  std::fflush(stdout);
}

}  // namespace remuda::bench
