#include "remuda/session/pipeline.h"

#include <deque>

#include "support/catch.h"

namespace remuda::session::pipeline_test {
namespace {

TEST_CASE("a pipeline answers in the order of the questions, across growth and wrap-around") {
  Pipeline pipeline;
  std::deque<Reply> model;
  unsigned random = 1;
  for (int i = 0; i < 20000; ++i) {
    random = random * 1664525u + 1013904223u;
    const Reply reply = static_cast<Reply>((random >> 24) % 9);
    const bool grow = i < 5000 ? (random >> 16) % 3 != 0 : (random >> 16) % 3 == 0;
    if (grow && !pipeline.full()) {
      pipeline.push(reply);
      model.push_back(reply);
    } else if (!model.empty()) {
      REQUIRE(pipeline.front().reply == model.front());
      pipeline.pop();
      model.pop_front();
    }
    REQUIRE(pipeline.size() == model.size());
    if (!model.empty()) REQUIRE(pipeline.at(model.size() - 1).reply == model.back());
  }
}

TEST_CASE("a pipeline is full at its limit") {
  Pipeline pipeline;
  for (size_t i = 0; i < Pipeline::kMaxOwed; ++i) {
    REQUIRE(!pipeline.full());
    pipeline.push(Reply::sync);
  }
  CHECK(pipeline.full());
  pipeline.pop();
  CHECK(!pipeline.full());
}

TEST_CASE("only a head of the expected kind is popped") {
  Pipeline pipeline;
  CHECK(!pipeline.pop_if(Reply::sync));
  pipeline.push(Reply::parse);
  pipeline.push(Reply::sync);
  CHECK(!pipeline.pop_if(Reply::sync));
  CHECK(pipeline.pop_if(Reply::parse));
  CHECK(pipeline.pop_if(Reply::sync));
  CHECK(pipeline.empty());
}

TEST_CASE("skipping stops before the sync, or empties the pipeline") {
  Pipeline pipeline;
  for (Reply r : {Reply::bind, Reply::query, Reply::copy_end, Reply::sync, Reply::parse}) {
    pipeline.push({r, Action::forward, r != Reply::query});
  }
  size_t changes = 0;
  CHECK(pipeline.skip_to_sync(changes));
  CHECK(changes == 2);
  CHECK(pipeline.size() == 2);
  pipeline.pop();
  CHECK(!pipeline.skip_to_sync(changes));
  CHECK(changes == 3);
  CHECK(pipeline.empty());
}

TEST_CASE("entries are removed from the middle, also where the ring wraps") {
  for (size_t start = 0; start < 8; ++start) {
    Pipeline pipeline;
    for (size_t i = 0; i < start; ++i) pipeline.push(Reply::close);
    for (size_t i = 0; i < start; ++i) pipeline.pop();
    for (Reply r : {Reply::execute, Reply::sync, Reply::sync, Reply::copy_end, Reply::parse}) {
      pipeline.push(r);
    }
    pipeline.erase(1, 3);
    REQUIRE(pipeline.size() == 2);
    CHECK(pipeline.at(0).reply == Reply::execute);
    CHECK(pipeline.at(1).reply == Reply::parse);

    pipeline.erase(1, 0);
    pipeline.erase(1, 1);
    CHECK(pipeline.size() == 1);
  }
}

}  // namespace
}  // namespace remuda::session::pipeline_test
