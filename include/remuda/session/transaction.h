// Where a server stands, as the status byte of ReadyForQuery tells it.
// PostgreSQL manual, Frontend/Backend Protocol, Message Formats: ReadyForQuery.
#pragma once

namespace remuda::session {

enum class TransactionStatus : char { idle = 'I', open = 'T', failed = 'E' };

constexpr bool is_transaction_status(char c) noexcept {
  return c == 'I' || c == 'T' || c == 'E';
}

}  // namespace remuda::session
