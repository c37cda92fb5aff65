#include "auth/hba_address.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "remuda/base/text.h"

namespace remuda::auth {
namespace {

constexpr const char* kAllowed =
    "all, samehost, samenet, ADDRESS/BITS, ADDRESS MASK, host.name, .name.suffix";
constexpr size_t kMaxHostName = 255;

const unsigned char* bytes_of(const io::Address& address) {
  if (address.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address.raw());
    return reinterpret_cast<const unsigned char*>(&in->sin_addr);
  }
  return reinterpret_cast<const sockaddr_in6*>(address.raw())->sin6_addr.s6_addr;
}

bool is_within(const unsigned char* address, const unsigned char* base, const unsigned char* mask,
               size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if ((address[i] & mask[i]) != (base[i] & mask[i])) return false;
  }
  return true;
}

bool is_local(const io::Address& client, const std::vector<io::LocalNetwork>& networks,
              bool whole_network) {
  const size_t size = client.family() == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  std::array<unsigned char, sizeof(in6_addr)> host;
  host.fill(0xFF);
  return std::any_of(networks.begin(), networks.end(), [&](const io::LocalNetwork& network) {
    const unsigned char* mask = whole_network ? bytes_of(network.mask) : host.data();
    return network.address.family() == client.family() &&
           is_within(bytes_of(client), bytes_of(network.address), mask, size);
  });
}

bool is_host_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

HbaFault bad_address(std::string_view text) {
  return HbaFault(fmt::format("\"{}\" is no address", hba_shown(text)), kAllowed);
}

}  // namespace

HbaAddress HbaAddress::read(HbaLexer& lexer) {
  if (lexer.token() == HbaToken::open_quote) throw HbaFault("a double quote is not closed");
  if (lexer.token() != HbaToken::word) throw HbaFault("the address is missing", kAllowed);
  HbaAddress address;
  const std::string text = lexer.text();
  const bool is_all = lexer.is_keyword("all");
  const bool is_same_host = lexer.is_keyword("samehost");
  const bool is_same_net = lexer.is_keyword("samenet");
  lexer.next();
  if (is_all) return address;
  if (is_same_host || is_same_net) {
    address.kind_ = is_same_host ? Kind::same_host : Kind::same_net;
  } else {
    address.read_network(text, lexer);
  }
  return address;
}

void HbaAddress::read_network(const std::string& text, HbaLexer& lexer) {
  const size_t slash = text.find('/');
  const std::string base = text.substr(0, slash);
  if (inet_pton(AF_INET, base.c_str(), base_.data()) == 1) {
    family_ = AF_INET;
  } else if (inet_pton(AF_INET6, base.c_str(), base_.data()) == 1) {
    family_ = AF_INET6;
  } else {
    return read_host_name(text);
  }
  kind_ = Kind::network;
  if (slash != text.npos) {
    read_bits(std::string_view(text).substr(slash + 1));
  } else {
    read_mask(lexer);
  }
}

void HbaAddress::read_bits(std::string_view text) {
  const size_t most = size() * 8;
  const auto bits = parse_number<size_t>(text);
  if (!bits || *bits > most) {
    throw HbaFault(fmt::format("\"/{}\" is no length of a network", hba_shown(text)),
                   fmt::format("/0 to /{}", most));
  }
  for (size_t i = 0; i < *bits; ++i) mask_[i / 8] |= static_cast<unsigned char>(0x80 >> i % 8);
}

void HbaAddress::read_mask(HbaLexer& lexer) {
  if (lexer.token() != HbaToken::word) {
    throw HbaFault("the address has no mask", "ADDRESS/BITS, ADDRESS MASK");
  }
  if (inet_pton(family_, lexer.text().c_str(), mask_.data()) != 1) {
    throw HbaFault(fmt::format("\"{}\" is no mask of the address", hba_shown(lexer.text())),
                   "ADDRESS/BITS, ADDRESS MASK");
  }
  lexer.next();
}

void HbaAddress::read_host_name(const std::string& text) {
  if (!std::all_of(text.begin(), text.end(), is_host_name_byte)) throw bad_address(text);
  // A last label of digits is a mistyped address: no domain is named so.
  const std::string_view last = std::string_view(text).substr(text.rfind('.') + 1);
  const bool is_number = last.find_first_not_of("0123456789") == last.npos;
  if (text.size() > kMaxHostName || is_number) throw bad_address(text);
  kind_ = Kind::host_name;
  host_name_ = text;
}

HbaMatch HbaAddress::match(const io::Address& client, const HbaHostName& host_name,
                           const HbaLocalNetworks& local_networks) const {
  const auto answer = [](bool matches) { return matches ? HbaMatch::yes : HbaMatch::no; };
  if (kind_ == Kind::all) return HbaMatch::yes;
  if (!client.is_inet()) return HbaMatch::no;
  if (kind_ == Kind::network) {
    return answer(client.family() == family_ && corrected().empty() &&
                  is_within(bytes_of(client), base_.data(), mask_.data(), size()));
  }
  if (kind_ == Kind::host_name) {
    return host_name ? answer(has_name(*host_name)) : HbaMatch::host_name;
  }
  if (!local_networks) return HbaMatch::local_networks;
  return answer(is_local(client, *local_networks, kind_ == Kind::same_net));
}

bool HbaAddress::has_name(std::string_view name) const {
  if (name.size() < host_name_.size()) return false;
  if (host_name_[0] != '.' && name.size() != host_name_.size()) return false;
  const std::string_view end = name.substr(name.size() - host_name_.size());
  return same_word(end, host_name_);
}

std::string HbaAddress::corrected() const {
  if (kind_ != Kind::network) return {};
  Bytes right{};
  for (size_t i = 0; i < size(); ++i) right[i] = base_[i] & mask_[i];
  if (right == base_) return {};
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family_, right.data(), text, sizeof text);
  return text;
}

}  // namespace remuda::auth
