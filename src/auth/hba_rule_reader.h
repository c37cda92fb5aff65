// One line of an HBA file into a rule. Control thread.
#pragma once

#include <string>
#include <vector>

#include "auth/hba.h"

namespace remuda::auth {

class HbaRuleReader {
 public:
  // Both must outlive the reader.
  HbaRuleReader(HbaSource& source, const IdentMaps& idents)
      : source_(source), names_(source), idents_(idents) {}

  // Throws HbaFault. What is odd but no fault is said through the source.
  HbaRule read(const std::string& line);

 private:
  void read_method(HbaLexer& lexer, HbaRule& rule);
  void read_options(HbaLexer& lexer, HbaRule& rule);
  void read_option(const std::string& word, HbaRule& rule);
  void read_client_cert(const std::string& value, HbaRule& rule);
  void warn(const HbaRule& rule);

  HbaSource& source_;
  HbaNamesReader names_;
  const IdentMaps& idents_;
};

// Whether a line that was not understood was to refuse somebody.
bool hba_says_reject(const std::string& line);

}  // namespace remuda::auth
