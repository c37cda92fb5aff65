#include "macro/arguments.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace remuda::bench {
namespace {

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void stop(std::string_view usage, int code) {
  std::fprintf(code == 0 ? stdout : stderr, "%.*s", static_cast<int>(usage.size()), usage.data());
  std::exit(code);
}

}  // namespace

Arguments::Arguments(int argc, char** argv, const std::vector<std::string_view>& with_value,
                     const std::vector<std::string_view>& flags, std::string_view usage) {
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (name == "--help") stop(usage, 0);
    if (!name.starts_with("--")) stop(usage, 2);
    name.erase(0, 2);
    if (contains(flags, name)) {
      values_[name] = "1";
    } else if (contains(with_value, name) && i + 1 < argc) {
      values_[name] = argv[++i];
    } else {
      stop(usage, 2);
    }
  }
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second;
}

double Arguments::number(const std::string& name, double otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  if (found->second.empty() || *end != '\0' || !(value >= 0)) {
    std::fprintf(stderr, "--%s: not a number: %s\n", name.c_str(), found->second.c_str());
    std::exit(2);
  }
  return value;
}

}  // namespace remuda::bench
