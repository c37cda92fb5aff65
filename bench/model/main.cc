// remuda_model: the command line. README.md says what the model is and what it does not know.
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "model/advise.h"
#include "model/options.h"
#include "model/report.h"
#include "model/simulation.h"
#include "model/table.h"
#include "model/validate.h"

namespace remuda::bench::model {
namespace {

int run(const Options& options) {
  int modes = 0;
  for (const char* mode : {"run", "advise", "table", "validate"})
    modes += options.has(mode) ? 1 : 0;
  if (modes > 1)
    throw std::invalid_argument("one of --run, --advise, --table, --validate at a time");
  if (options.has("svg") && !options.has("table")) {
    throw std::invalid_argument("--svg goes with --table");
  }
  const Costs costs = read_costs(options.has("costs") ? options.text("costs") : REMUDA_MODEL_COSTS);
  if (options.has("validate")) return validate(options.text("validate"), costs);
  const Setup setup = setup_of(options);
  if (options.has("table")) return print_table(options, setup, costs);
  if (options.has("advise")) return print_advice(options, setup, costs);
  std::fputs(report(setup, Simulation(setup, costs).run()).c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace remuda::bench::model

int main(int argc, char** argv) {
  using namespace remuda::bench::model;
  try {
    const Options options(argc, argv);
    if (options.has("help")) return std::fputs(kUsage, stdout) < 0;
    return run(options);
  } catch (const std::invalid_argument& fault) {
    std::fprintf(stderr, "remuda_model: %s\n", fault.what());
    return 2;
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "remuda_model: %s\n", fault.what());
    return 1;
  }
}
