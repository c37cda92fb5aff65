#include "io/block_pool.h"

#include <algorithm>
#include <string>
#include <vector>

#include "io/block_chain.h"
#include "support/catch.h"

namespace remuda::io::block_pool_test {

TEST_CASE("blocks are reused and only so many are kept", "[block_pool]") {
  BlockPool pool;
  BlockBody* first = nullptr;
  {
    Block block = pool.get(10'000);
    first = block.get();
    block->end = 10;
    CHECK(pool.in_use() == 1);
  }
  CHECK(pool.in_use() == 0);
  CHECK(pool.kept() == 1);
  Block again = pool.get(10'000);
  CHECK(again.get() == first);
  CHECK(again->end == 0);
  std::vector<Block> many;
  const size_t most = BlockPool::kMostKept / BlockPool::kLargest;
  for (size_t i = 0; i < most + 10; ++i) many.push_back(pool.get(BlockPool::kMostCapacity));
  many.clear();
  CHECK(pool.kept() == most);
  CHECK(pool.bytes() == (most + 1) * BlockPool::kLargest);
  pool.drop_kept();
  CHECK(pool.kept() == 0);
  CHECK(pool.bytes() == BlockPool::kLargest);
}

TEST_CASE("a block fits what it is wanted for", "[block_pool]") {
  BlockPool pool;
  const size_t header = sizeof(BlockBody);
  for (const size_t wanted : {size_t{0}, size_t{1}, 128 - header, 129 - header, size_t{1000},
                              BlockPool::kMostCapacity - 1, BlockPool::kMostCapacity}) {
    INFO(wanted);
    const Block block = pool.get(wanted);
    CHECK(block->capacity >= wanted);
    CHECK(block->capacity + header <= std::max<size_t>(2 * (wanted + header), 128));
    std::fill_n(block->data(), block->capacity, 'x');
  }
  CHECK(pool.get(1'000'000)->capacity == BlockPool::kMostCapacity);
}

TEST_CASE("short bytes take short blocks, which come and go without the heap", "[block_chain]") {
  BlockPool pool;
  std::vector<BlockChain> waiting;
  for (int i = 0; i < 100; ++i) waiting.emplace_back(pool).append("SELECT 1");
  CHECK(pool.bytes() == 100 * BlockPool::kSmallest);
  for (BlockChain& chain : waiting) {
    chain.consume(chain.size());
    chain.append("SELECT 2");
  }
  CHECK(pool.bytes() == 100 * BlockPool::kSmallest);
  waiting.clear();
  CHECK(pool.in_use() == 0);
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
  CHECK(all.starts_with(chain.front()));
  // It has grown by doubling: 1, 2, 4, 8 and then blocks of 16 KiB.
  CHECK(pool.in_use() == 10);
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

}  // namespace remuda::io::block_pool_test
