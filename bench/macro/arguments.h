// The command line of a bench program: "--name value" pairs and "--name" alone.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace remuda::bench {

class Arguments {
 public:
  // `with_value` and `flags` name what is allowed, without dashes. Prints `usage` and exits on a
  // fault and for --help.
  Arguments(int argc, char** argv, const std::vector<std::string_view>& with_value,
            const std::vector<std::string_view>& flags, std::string_view usage);

  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name, const std::string& otherwise) const;
  // A number that is not below zero; exits with a message if it is not one.
  double number(const std::string& name, double otherwise) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace remuda::bench
