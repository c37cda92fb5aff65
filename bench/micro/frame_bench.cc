// Walking message headers, reading fields, building replies: what every byte or every login passes.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "remuda/wire/builder.h"
#include "remuda/wire/frame.h"
#include "remuda/wire/message.h"
#include "remuda/wire/reader.h"

namespace remuda::wire {
namespace {

// One reply to a small query: RowDescription, DataRow, CommandComplete, ReadyForQuery.
std::string small_reply(size_t width) {
  const std::array columns{Column{"?column?", oid::kInt4}};
  const std::array values{Value(std::string(width, '7'))};
  std::string out;
  row_description(out, columns);
  data_row(out, values);
  command_complete(out, "SELECT 1");
  ready_for_query(out, 'I');
  return out;
}

// As many replies as fit into a read buffer of 64 KiB.
std::string full_buffer(size_t width) {
  const std::string reply = small_reply(width);
  std::string buffer;
  while (buffer.size() + reply.size() <= 64 * 1024) buffer += reply;
  return buffer;
}

void header_walk(benchmark::State& state) {
  const std::string buffer = full_buffer(static_cast<size_t>(state.range(0)));
  int64_t messages = 0;
  for (auto _ : state) {
    size_t at = 0;
    uint64_t read = 0;
    Header header;
    while (at < buffer.size() && parse_header(buffer.data() + at, header)) {
      read += backend_message(header.type)->reads == Reads::none ? 0 : header.body_size();
      at += header.message_size();
      ++messages;
    }
    benchmark::DoNotOptimize(read);
  }
  state.SetItemsProcessed(messages);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(buffer.size()));
}
BENCHMARK(header_walk)->Arg(1)->Arg(100)->Arg(4000);

void frame_buffer(benchmark::State& state) {
  const std::string reply = small_reply(10);
  FrameBuffer frames(64 * 1024);
  for (auto _ : state) {
    frames.append(reply);
    while (const auto message = frames.next()) benchmark::DoNotOptimize(message->body.data());
  }
  state.SetItemsProcessed(state.iterations() * 4);
}
BENCHMARK(frame_buffer);

void read_bind(benchmark::State& state) {
  std::string bind;
  MessageBuilder(bind, 'B').cstring("").cstring("statement_1").u16(0).u16(1).u32(5).bytes("12345");
  const ByteView body = ByteView(bind).substr(kHeaderSize);
  for (auto _ : state) {
    Reader reader(body);
    benchmark::DoNotOptimize(reader.cstring());
    benchmark::DoNotOptimize(reader.cstring());
    benchmark::DoNotOptimize(reader.ok());
  }
}
BENCHMARK(read_bind);

void build_small_reply(benchmark::State& state) {
  const std::array columns{Column{"?column?", oid::kInt4}};
  const std::array values{Value("12345")};
  std::string out;
  for (auto _ : state) {
    out.clear();
    row_description(out, columns);
    data_row(out, values);
    command_complete(out, "SELECT 1");
    ready_for_query(out, 'I');
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(build_small_reply);

}  // namespace
}  // namespace remuda::wire
