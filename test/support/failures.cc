#include "support/failures.h"

#define CATCH_CONFIG_EXTERNAL_INTERFACES  // listeners, for Catch2 2
#include "support/catch.h"

namespace remuda::test {
namespace {

bool has_failed = false;

#if __has_include(<catch2/catch_all.hpp>)
using ListenerBase = Catch::EventListenerBase;
using AssertionEnd = void;
#else
using ListenerBase = Catch::TestEventListenerBase;
using AssertionEnd = bool;
#endif

class FailureListener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo&) override { has_failed = false; }
  AssertionEnd assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk()) has_failed = true;
    return AssertionEnd(true);
  }
};

CATCH_REGISTER_LISTENER(FailureListener)

}  // namespace

bool has_test_failed() {
  return has_failed;
}

}  // namespace remuda::test
