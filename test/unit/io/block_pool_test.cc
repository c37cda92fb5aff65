#include "io/block_pool.h"

#include <string>
#include <vector>

#include "io/block_chain.h"
#include "support/catch.h"

using namespace remuda::io;

TEST_CASE("blocks are reused and only so many are kept", "[block_pool]") {
  BlockPool pool;
  BlockBody* first = nullptr;
  {
    Block block = pool.get();
    first = block.get();
    block->end = 10;
    CHECK(pool.in_use() == 1);
  }
  CHECK(pool.in_use() == 0);
  CHECK(pool.kept() == 1);
  Block again = pool.get();
  CHECK(again.get() == first);
  CHECK(again->end == 0);
  std::vector<Block> many;
  for (size_t i = 0; i < BlockPool::kMostKept + 10; ++i) many.push_back(pool.get());
  many.clear();
  CHECK(pool.kept() == BlockPool::kMostKept);
}

namespace {

std::string pattern(size_t n, size_t from = 0) {
  std::string bytes(n, '\0');
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>((from + i) * 31 >> 3);
  return bytes;
}

std::string contents(const BlockChain& chain) {
  std::vector<uv_buf_t> runs(100);
  const size_t count = chain.runs(runs.data(), runs.size());
  std::string all;
  for (size_t i = 0; i < count; ++i) all.append(runs[i].base, runs[i].len);
  return all;
}

}  // namespace

TEST_CASE("a chain keeps bytes in order over many blocks", "[block_chain]") {
  BlockPool pool;
  BlockChain chain(pool);
  CHECK(chain.empty());
  CHECK(chain.front().empty());
  const std::string all = pattern(100'000);
  for (size_t at = 0; at < all.size(); at += 777) chain.append(all.substr(at, 777));
  CHECK(chain.size() == all.size());
  CHECK(contents(chain) == all);
  CHECK(chain.front() == all.substr(0, BlockBody::kCapacity));
  CHECK(pool.in_use() == (all.size() + BlockBody::kCapacity - 1) / BlockBody::kCapacity);
  uv_buf_t two[2];
  CHECK(chain.runs(two, 2) == 2);
}

TEST_CASE("a chain gives blocks back as it is consumed", "[block_chain]") {
  BlockPool pool;
  BlockChain chain(pool);
  std::string expected;
  size_t written = 0;
  for (size_t round = 0; round < 200; ++round) {
    const std::string more = pattern(round * 37 % 5000, written);
    written += more.size();
    chain.append(more);
    expected += more;
    const size_t less = round * 53 % (expected.size() + 1);
    chain.consume(less);
    expected.erase(0, less);
    REQUIRE(contents(chain) == expected);
  }
  chain.consume(chain.size());
  CHECK(chain.empty());
  CHECK(pool.in_use() == 0);
  chain.append("again");
  CHECK(contents(chain) == "again");
}

TEST_CASE("a chain moves", "[block_chain]") {
  BlockPool pool;
  BlockChain chain(pool);
  chain.append(pattern(20'000));
  BlockChain other(std::move(chain));
  CHECK(chain.empty());  // NOLINT: what is left of a moved chain is defined
  CHECK(contents(other) == pattern(20'000));
  BlockChain third(pool);
  third.append("old");
  third = std::move(other);
  CHECK(contents(third) == pattern(20'000));
  third.clear();
  CHECK(pool.in_use() == 0);
}
