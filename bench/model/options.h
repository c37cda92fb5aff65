// The command line: "--name value" and "--name". What is unknown, missing or out of its range
// throws std::invalid_argument with a sentence for the user.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/setup.h"

namespace remuda::bench::model {

class Options {
 public:
  Options(int argc, char** argv);

  bool has(const std::string& name) const { return values_.contains(name); }
  const std::string& text(const std::string& name) const { return values_.at(name); }
  double number(const std::string& name, double otherwise, double least, double most) const;
  int count(const std::string& name, int otherwise, int least, int most) const;
  // Numbers with commas between them.
  std::vector<int> counts(const std::string& name, const std::vector<int>& otherwise, int least,
                          int most) const;
  Login login() const;

 private:
  std::map<std::string, std::string> values_;
};

// What the options that describe a load and an installation say; lists are left at their defaults.
Setup setup_of(const Options& options);

extern const char* const kUsage;

}  // namespace remuda::bench::model
