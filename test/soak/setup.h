// The configuration of a soak: its databases, who uses them, and what the operator may change.
// Owned by the test, used on its main thread; entries() is constant.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/remuda_process.h"

namespace remuda::soak {

enum class Mode { transaction, session, statement };

// One way in.
struct Entry {
  const char* database;
  const char* user;
  const char* password;
  Mode mode;
  bool has_tls;
};

const std::vector<Entry>& entries();

class Setup {
 public:
  Setup();

  // The ini as it is to be now.
  std::string ini() const;
  std::string users() const;

  void resize(const std::string& database, int size) { sizes_.at(database) = size; }
  // Database "extra" comes and goes.
  void set_extra(bool exists) { has_extra_ = exists; }

 private:
  std::map<std::string, int> sizes_;
  bool has_extra_ = true;
  test::TempDir dir_;
};

}  // namespace remuda::soak
