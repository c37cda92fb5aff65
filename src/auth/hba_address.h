// The address field of an HBA rule. Immutable once read; any thread.
// PostgreSQL manual, The pg_hba.conf File.
#pragma once

#include <netinet/in.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "auth/hba_lexer.h"
#include "auth/hba_names.h"
#include "io/address.h"
#include "io/local_networks.h"

namespace remuda::auth {

// The client's confirmed name ("": it has none); nothing: not looked up.
using HbaHostName = std::optional<std::string>;
using HbaLocalNetworks = std::optional<std::vector<io::LocalNetwork>>;

class HbaAddress {
 public:
  // Matches every address.
  HbaAddress() = default;
  // Takes the field, and a mask that stands apart, off the lexer. Throws HbaFault.
  static HbaAddress read(HbaLexer& lexer);

  HbaMatch match(const io::Address& client, const HbaHostName& host_name,
                 const HbaLocalNetworks& local_networks) const;
  // The address as it should be written, if it has bits that its mask does not; such an address
  // matches nobody, as in PgBouncer. Else empty.
  std::string corrected() const;

 private:
  enum class Kind { all, network, same_host, same_net, host_name };
  using Bytes = std::array<unsigned char, sizeof(in6_addr)>;

  void read_network(const std::string& text, HbaLexer& lexer);
  void read_bits(std::string_view bits);
  void read_mask(HbaLexer& lexer);
  void read_host_name(const std::string& text);
  bool has_name(std::string_view name) const;
  size_t size() const noexcept { return family_ == AF_INET ? sizeof(in_addr) : sizeof(in6_addr); }

  Kind kind_ = Kind::all;
  int family_ = AF_UNSPEC;
  Bytes base_{};
  Bytes mask_{};
  std::string host_name_;  // of a host, or ".suffix"
};

}  // namespace remuda::auth
