// Whether to show what the programs under test had to say.
#pragma once

namespace remuda::test {

// Whether an assertion of the running test case has failed.
bool has_test_failed();

}  // namespace remuda::test
