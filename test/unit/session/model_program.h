// A random program for the clients of a model world, and what runs many of them.
// REMUDA_ROUNDS: how many; REMUDA_FIRST: the seed of the first; REMUDA_STEPS: how long each is.
#pragma once

#include <string>
#include <vector>

#include "support/catch.h"
#include "unit/session/model_world.h"

namespace remuda::session::test {

class ModelProgram {
 public:
  virtual ~ModelProgram() = default;
  void run(int steps);

 protected:
  using Client = ModelWorld::Client;

  ModelProgram(unsigned seed, const ModelWorld::Rules& rules, bool tells);

  // Something that this client sends, sooner or later.
  virtual void say(Client& client) = 0;
  // It does so only when all that it has sent before is answered.
  virtual bool waits(const Client& client) const = 0;

  Random random_;
  ModelWorld world_;

 private:
  void finish();
};

std::string parse_message(const std::string& name, const std::string& sql);
// Where a value is "null" it is none.
std::string bind_message(const std::string& portal, const std::string& name,
                         const std::vector<std::string>& values);
std::string execute_message(const std::string& portal, uint32_t most_rows = 0);

int model_option(const char* variable, int otherwise);

template <class Program>
void run_model_programs(int usual_rounds) {
  const int first = model_option("REMUDA_FIRST", 0);
  const int rounds = model_option("REMUDA_ROUNDS", usual_rounds);
  const int steps = model_option("REMUDA_STEPS", 150);
  for (int i = first; i < first + rounds; ++i) {
    const auto seed = static_cast<unsigned>(i);
    try {
      Program(seed, false).run(steps);
    } catch (const ModelWorld::Difference&) {
      // Once more, for its story.
      try {
        Program(seed, true).run(steps);
      } catch (const ModelWorld::Difference& difference) {
        FAIL("seed " << seed << '\n' << difference.text);
      }
      FAIL("seed " << seed << " is not the same twice");
    }
  }
  SUCCEED();
}

}  // namespace remuda::session::test
