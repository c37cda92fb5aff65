// SCRAM-SHA-256 by hand, for either side: choices no driver would make. The client's side owes
// nothing to the code under test. RFC 5802; PostgreSQL manual, SASL Authentication.
#pragma once

#include <string>
#include <vector>

#include "support/channel.h"

namespace remuda::test {

// What a client does, right or wrong.
struct ScramAttempt {
  std::string password;
  std::string mechanism = "SCRAM-SHA-256";
  // The flag of RFC 5802 with its commas: "n,,", "y,,", "p=tls-server-end-point,,".
  std::string header = "n,,";
  // Channel binding data.
  std::string binding = {};
};

// Names in an AuthenticationSASL message.
std::vector<std::string> mechanisms_of(const Message& request);

// From the server's AuthenticationSASL, which is read, to its last word. Empty if it accepted, else
// its text. Throws PeerClosed.
std::string scram_verdict(Channel& channel, const ScramAttempt& attempt);

// The server's side: offers the mechanisms, and checks. Returns the one that was chosen. Throws if
// the peer fails; the caller goes on with AuthenticationOk.
std::string demand_scram(Channel& channel, const std::string& password,
                         const std::vector<std::string>& mechanisms,
                         const std::string& binding = {});

}  // namespace remuda::test
