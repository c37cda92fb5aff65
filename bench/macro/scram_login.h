// A load client's SCRAM. The costly half of it, the salted password, is computed once per salt and
// kept, so that the load stays cheap: a server's stored secret has one salt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "remuda/wire/scram.h"

namespace remuda::bench {

// Of one thread.
class ScramKeyCache {
 public:
  const wire::ScramKeys& keys(const std::string& password, const std::string& salt,
                              uint32_t iterations);

 private:
  std::string salt_;
  uint32_t iterations_ = 0;
  wire::ScramKeys keys_;
};

class ScramLogin {
 public:
  // Takes the body of an authentication request and appends the answer to `out`, if there is one.
  // False means fault().
  bool answer(std::string_view request, const std::string& password, ScramKeyCache& cache,
              std::string& out);

  // The server has proved itself, and so have we.
  bool done() const { return done_; }
  const std::string& fault() const { return fault_; }

 private:
  bool begin(std::string_view mechanisms, std::string& out);
  bool prove(std::string_view challenge, const std::string& password, ScramKeyCache& cache,
             std::string& out);
  bool fail(const std::string& why);

  std::unique_ptr<wire::ScramClient> exchange_;
  bool done_ = false;
  std::string fault_;
};

}  // namespace remuda::bench
