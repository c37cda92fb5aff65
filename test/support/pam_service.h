// The PAM service "pgbouncer" of this machine, for as long as a test needs it: one user, alice,
// with the password alice-secret. Only one test program may do this at a time.
#pragma once

#include <string>

#include "support/temp_dir.h"

namespace remuda::test {

class PamService {
 public:
  // Why the service cannot be made here; empty when it can: needs root, modules of Linux-PAM, and
  // that nobody has such a service.
  static std::string obstacle();

  PamService();
  ~PamService();
  PamService(const PamService&) = delete;
  PamService& operator=(const PamService&) = delete;

  // The remote hosts it was told of, a line each.
  std::string hosts() const { return read_file(dir_.file("hosts")); }

 private:
  TempDir dir_;
};

}  // namespace remuda::test
