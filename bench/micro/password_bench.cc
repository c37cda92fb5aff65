// What a login costs in cryptography: the md5 answer, a SCRAM exchange, PBKDF2.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "remuda/wire/md5.h"
#include "remuda/wire/scram.h"

namespace remuda::wire {
namespace {

const std::string kPassword = "correct horse";
const std::string kSalt(kScramSaltSize, 's');

void md5_verify(benchmark::State& state) {
  const Secret secret = parse_secret(md5_password_hash(kPassword, "alice"));
  const std::string response = md5_response(secret, "alice", "salt");
  for (auto _ : state) {
    benchmark::DoNotOptimize(verify_md5_response(secret, "alice", "salt", response));
  }
}
BENCHMARK(md5_verify);

void pbkdf2(benchmark::State& state) {
  for (auto _ : state) {
    auto salted = salted_password(kPassword, kSalt, static_cast<uint32_t>(state.range(0)));
    benchmark::DoNotOptimize(salted);
  }
}
BENCHMARK(pbkdf2)->Arg(1)->Arg(kDefaultScramIterations)->Unit(benchmark::kMicrosecond);

// A client's whole login checked against a stored secret; its own PBKDF2 is done beforehand, so
// that what is left is the work of the two sides' messages.
void scram_exchange(benchmark::State& state) {
  const ScramSecret secret = build_secret(kPassword, kSalt, kDefaultScramIterations);
  const ScramKeys keys = derive_keys(salted_password(kPassword, kSalt, kDefaultScramIterations));
  for (auto _ : state) {
    ScramClient client;
    ScramServer server(secret);
    server.step(client.client_first());
    if (!client.server_first(server.reply())) std::abort();
    if (server.step(client.client_final_with_keys(keys)) != ScramServer::Status::done) std::abort();
    if (!client.server_final(server.reply())) std::abort();
  }
}
BENCHMARK(scram_exchange)->Unit(benchmark::kMicrosecond);

// The server's half alone: what a login costs us.
void scram_server_side(benchmark::State& state) {
  const ScramSecret secret = build_secret(kPassword, kSalt, kDefaultScramIterations);
  const ScramKeys keys = derive_keys(salted_password(kPassword, kSalt, kDefaultScramIterations));
  for (auto _ : state) {
    ScramClient client;
    ScramServer server(secret);
    server.step(client.client_first());
    state.PauseTiming();
    if (!client.server_first(server.reply())) std::abort();
    const std::string proof = client.client_final_with_keys(keys);
    state.ResumeTiming();
    if (server.step(proof) != ScramServer::Status::done) std::abort();
  }
}
BENCHMARK(scram_server_side)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace remuda::wire
