// A model of a PostgreSQL server process: bytes in, bytes out. As much of it as decides what a
// client is told about its session. PostgreSQL manual, Message Flow.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "remuda/base/bytes.h"
#include "unit/session/model_session.h"

namespace remuda::session::test {

class ModelPg {
 public:
  // Since version 14 a server reports what has changed when a query is over, before that at once.
  explicit ModelPg(bool reports_at_once = false, const ModelSession::Values& startup = {});

  // Whole messages of `bytes` are answered and taken out.
  std::string answer(std::string& bytes);

  const ModelSession& session() const { return session_; }
  bool is_skipping() const { return skips_; }
  // What a statement is, nothing if there is none.
  const ModelPrepared* find(const std::string& name) const;
  // Of all that has a name the plans cannot be used any more.
  void outdate() { session_.outdate(); }

 private:
  void answer_one(char type, ByteView body);
  void simple(ByteView text);
  void run_simple(ByteView text);
  void end_batch();
  void parse(const std::string& name, ByteView text);
  void bind(ByteView body);
  void describe(bool is_portal, const std::string& name);
  void execute(const std::string& name, uint32_t most);
  void close(bool is_portal, const std::string& name);
  void fail(const ModelError& error);
  void say_ready();
  void report();
  const ModelPrepared& statement(const std::string& name) const;

  ModelSession session_;
  std::optional<ModelPrepared> unnamed_;
  ModelSession::Values reported_;
  bool reports_at_once_;
  bool skips_ = false;
  std::string out_;
};

}  // namespace remuda::session::test
