#include "admin/gather.h"

#include <atomic>
#include <memory>

#include "unit/admin/fake_control.h"

namespace remuda::admin::gather_test {
namespace {

io::Task<void> run_gather(Control& control, std::string& outcome) {
  auto index_of = [](proxy::Worker& worker) { return worker.index(); };
  try {
    const std::vector<int> answers = co_await gather(control, index_of);
    outcome = "answered by " + std::to_string(answers.size());
  } catch (const Closed& error) {
    outcome = error.what();
  }
}

}  // namespace

TEST_CASE("answers come in worker order, made on each worker's own thread", "[gather]") {
  FakeControl control({}, 3);
  auto answer = [](proxy::Worker& worker) {
    worker.loop.assert_thread();
    // Only moved, never copied.
    return std::make_unique<int>(worker.index());
  };
  const auto answers = io::finish(control.loop(), gather(control, answer));
  REQUIRE(answers.size() == 3);
  for (int i = 0; i < 3; ++i) CHECK(*answers[static_cast<size_t>(i)] == i);
}

TEST_CASE("many questions at once get their own answers", "[gather]") {
  FakeControl control({}, 2);
  std::vector<std::string> outcomes(50);
  for (std::string& outcome : outcomes) control.tasks().spawn(run_gather(control, outcome));
  io::run_until(control.loop(), [&] { return control.tasks().size() == 0; });
  CHECK(outcomes == std::vector<std::string>(50, "answered by 2"));
}

TEST_CASE("no workers, no wait", "[gather]") {
  FakeControl control;
  auto answer = [](proxy::Worker&) { return true; };
  auto task = gather(control, answer);
  REQUIRE(task.is_done());
  CHECK(task.await_resume().empty());
}

TEST_CASE("a worker that has stopped fails the question instead of hanging it", "[gather]") {
  FakeControl control({}, 2);
  control.stop_workers();
  std::string outcome;
  control.tasks().spawn(run_gather(control, outcome));
  io::run_until(control.loop(), [&] { return !outcome.empty(); });
  CHECK(outcome == "a worker has stopped");
}

TEST_CASE("a question that overtakes a stop is answered or fails", "[gather]") {
  FakeControl control({}, 2);
  std::vector<std::string> outcomes(20);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (i == 10) control.shared().workers[1]->post([&] { control.shared().workers[1]->stop(); });
    control.tasks().spawn(run_gather(control, outcomes[i]));
  }
  io::run_until(control.loop(), [&] { return control.tasks().size() == 0; });
  for (size_t i = 0; i < 10; ++i) CHECK(outcomes[i] == "answered by 2");
  for (const std::string& outcome : outcomes) {
    CHECK((outcome == "answered by 2" || outcome == "a worker has stopped"));
  }
}

TEST_CASE("closing the control loop's tasks ends the wait, and late answers find nobody",
          "[gather]") {
  std::atomic<bool> held{true};
  FakeControl control({}, 1);
  auto wait = [&held](proxy::Worker&) {
    held.wait(true);
    return 1;
  };
  std::string outcome;
  auto blocked = gather(control, wait);
  control.tasks().spawn(run_gather(control, outcome));
  control.tasks().close();
  io::run_until(control.loop(), [&] { return control.tasks().size() == 0 && blocked.is_done(); });
  CHECK(outcome == "shutting down");
  CHECK_THROWS_AS(blocked.await_resume(), Closed);
  held = false;
  held.notify_all();
  control.stop_workers();
  io::turn(control.loop());
}

}  // namespace remuda::admin::gather_test
