// The conversation of one client with one server: bytes in, runs out. The heart of the data plane.
//
// Both sides keep a view, the protocol state that outlives a call. A client's view lives as long as
// the client; a server's as long as the server, whoever it is lent to. The two functions walk the
// messages of what was read and say what is to be sent where and what must happen next. No socket,
// no clock, no lock, no exception; nothing is allocated in steady state, and nothing large is ever
// collected: only the types we must understand are needed whole, and these are bounded.
//
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "remuda/base/bytes.h"
#include "remuda/base/error.h"
#include "remuda/session/client_statements.h"
#include "remuda/session/egress.h"
#include "remuda/session/parameters.h"
#include "remuda/session/pipeline.h"
#include "remuda/session/portals.h"
#include "remuda/session/second_try.h"
#include "remuda/session/server_statements.h"
#include "remuda/session/settings_journal.h"
#include "remuda/session/statement_changes.h"
#include "remuda/session/transaction.h"

namespace remuda::session {

// When a server goes back to its pool.
enum class Release : uint8_t { session, transaction, statement };

// Why a conversation cannot go on. Text and code are what the client reads.
struct Fault {
  SqlState sqlstate;
  const char* text;
};

// What the caller must do before it calls again with the bytes that were not consumed.
enum class Need : uint8_t {
  none,       // all was consumed
  flush,      // egress is full: send it
  server,     // the client needs a server: link one
  room,       // the server owes too many replies: wait until it has answered some
  release,    // the server is free again: send what is in egress, then unlink
  resend,     // send the server what put_second_try() gives
  terminate,  // the client said goodbye
  fail,       // Progress::fault: tell the client, close it and the server
};

// What clients asked for and servers were sent about prepared statements that follow the client.
struct StatementCounts {
  uint32_t client_parses = 0;
  uint32_t server_parses = 0;
  uint32_t binds = 0;
};

struct Progress {
  size_t consumed = 0;
  Need need = Need::none;
  const Fault* fault = nullptr;
  StatementCounts counts;
};

// Where the walk over one side's messages stands between two reads.
struct FrameState {
  enum class Body : uint8_t { forward, swallow };

  uint64_t body_left = 0;  // of the message being streamed
  char header[5];          // a header cut off by the end of a read
  uint8_t header_size = 0;
  Body body = Body::forward;
  // A message of which we need more than its header, cut off by the end of a read. Rare, so it
  // costs only a pointer.
  std::unique_ptr<std::string> assembly;

  // No message has been forwarded in part. What is held back does not count.
  bool at_boundary() const noexcept { return body_left == 0; }
  // Nothing of a message is held back.
  bool holds_nothing() const noexcept { return header_size == 0 && !assembly; }
};

struct ClientView {
  FrameState frame;
  ParameterSetRef parameters;
  Release release = Release::session;
  bool simple_query_allowed = true;
  bool in_query = false;        // set when it asks, cleared when all is answered
  bool in_transaction = false;  // set when it asks, cleared at ReadyForQuery(idle)
  // Those that follow it from server to server; null while it has had none.
  std::unique_ptr<ClientStatements> statements;
  // What servers do not report of its settings, while it has no server
  // (session/settings_journal.h), and what it began with; null where these do not follow it.
  ParameterSetRef settings;
  ParameterSetRef startup_settings;

  bool follows_settings() const noexcept { return static_cast<bool>(startup_settings); }
};

struct ServerView {
  FrameState frame;
  Pipeline pipeline;
  ParameterSetRef parameters;  // what it has now
  ParameterSetRef reported;    // what it told at login: the names it will keep reporting
  SettingsJournal settings;    // what it does not report
  TransactionStatus status = TransactionStatus::idle;
  bool copy_in = false;   // it reads CopyData, and ignores Sync and Flush
  bool skipping = false;  // after an error it ignores all up to a Sync that was not sent yet
  // An extended batch has begun that no ReadyForQuery has ended: although every message may be
  // answered, its implicit transaction is open.
  bool in_batch = false;
  bool has_asked = false;        // since it was last quiet, and not only what we answer ourselves
  bool has_replied = false;      // since its last ReadyForQuery
  bool internal_failed = false;  // an internal query was answered by an error
  // A reply count that cannot be known for certain (a Sync around a COPY that failed): it finishes
  // with this client and is then closed, never lent.
  bool suspect = false;
  // Its client has left: what it still owes is read and thrown away.
  bool abandoned = false;
  uint32_t syncs_in_copy = 0;

  ServerStatements statements;     // those of clients that have followed them here
  StatementSlot unnamed;           // the unnamed one, if it is known
  StatementChanges changes;        // not answered yet
  SecondTry second_try;            // of the batch on its way
  uint32_t batch = 0;              // counts Syncs and the like that were sent
  bool batch_deallocates = false;  // the batch being sent may end prepared statements
  bool flushes_answers = false;    // what we answer ourselves is wanted now
  uint32_t gone = 0;               // counts names that were made up
  Portals portals;                 // of the client, where Execute has an effect
  bool may_set = false;            // it has been asked to run what may change its settings
  // Behind such it was given a statement under a name: if they do change, nobody knows what the
  // statement means.
  bool is_prepared_blindly = false;
  // One that it reports has been set, and it reports them when the query is over: until then what
  // is prepared cannot be named by them.
  bool has_stale_parameters = false;

  // Nothing owed and nothing half done: the next byte it sends must be an answer to a new question.
  // A transaction may be open.
  bool is_answered() const noexcept {
    return pipeline.empty() && !in_batch && !skipping && !copy_in && frame.at_boundary() &&
           frame.holds_nothing();
  }
  // The same outside transactions.
  bool is_quiet() const noexcept { return is_answered() && status == TransactionStatus::idle; }
};

struct Limits {
  uint32_t max_packet_size = 2147483647;
  // Prepared statements follow clients whose server is released earlier than they leave, if this is
  // above zero: so many are kept on a server.
  int max_prepared_statements = 0;
  // The unnamed statement is kept on servers like a named one.
  bool prepare_unnamed = false;
  StatementTable* statements = nullptr;  // of the worker; set where statements may follow
};

// Bytes of a client. `server` is null while it has none; then nothing is put into `to_server` and
// the first message that needs a server gives Need::server. Without a server, late CopyData and the
// like are swallowed, as PostgreSQL ignores them outside COPY.
Progress from_client(ClientView& client, ServerView* server, ByteView bytes, Egress& to_server,
                     const Limits& limits) noexcept;

// Bytes of a server. `client` is null while nobody is linked: then only answers to internal queries
// are legal. Need::release when it is free; bytes behind that point belong to nobody.
Progress from_server(ServerView& server, ClientView* client, ByteView bytes, Egress& to_client,
                     const Limits& limits) noexcept;

// What was kept of a batch that failed by no fault of the client, with what mends it in front.
void put_second_try(ServerView& server, Egress& to_server);

// Replies that are due without the server's saying anything: a client has asked for a Flush.
bool has_answers(const ServerView& server) noexcept;
void take_answers(ServerView& server, Egress& to_client) noexcept;

// A client is given a server, with nothing half done, or leaves it. What it has set that its next
// server does not report goes along.
void link(ClientView& client, ServerView& server);
void unlink(ClientView& client, ServerView& server);
// SQL that has to run before the client's; empty when the server has all the client wants.
std::string replay_sql(const ClientView& client, const ServerView& server);
// The same, cheap.
bool needs_replay(const ClientView& client, const ServerView& server) noexcept;

// Puts a query of our own (parameter replay, reset, check) in front of what follows; its replies
// are swallowed. The caller sends the message. When it fails, leaves a transaction open or starts a
// COPY, from_server says Need::fail.
void expect_internal_query(ServerView& server);

// A client leaves while its server owes answers, with no message of its own half sent. False when
// the server cannot be brought back to a known state by reading them. Otherwise it is unlinked
// after this, and from_server throws the answers away; where `needs_sync` is set, only once the
// caller has sent the Sync that the client has not.
bool abandon(ServerView& server, bool& needs_sync);

// Texts the callers share.
extern const Fault kUnknownPacket;
extern const Fault kStatementMode;
extern const Fault kInvalidParameter;
extern const Fault kInternalQueryFailed;
extern const Fault kServerProtocol;
extern const Fault kAbandonedCopy;

}  // namespace remuda::session
