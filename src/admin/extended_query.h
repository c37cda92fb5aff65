// The extended query protocol of one console: its prepared statements and portals. A SHOW is run
// when it is first described or executed, as only its result tells the columns; other commands run
// when executed. Lives in the frame of the console's task; control thread. PostgreSQL manual,
// Frontend/Backend Protocol, Extended Query.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/console.h"
#include "io/task.h"
#include "remuda/wire/frame.h"

namespace remuda::admin {

class ExtendedQuery {
 public:
  // Both must outlive this.
  ExtendedQuery(Consoles& consoles, Console& console) : consoles_(consoles), console_(console) {}

  // Parse, Bind, Describe, Execute, Close, Flush and Sync.
  static bool takes(char type) noexcept;
  // After an error everything up to the next Sync is passed over.
  bool is_skipping() const noexcept { return is_skipping_; }

  // The reply to one of these messages, which may be empty. Errors are part of the reply.
  io::Task<std::string> answer(wire::Message message);
  // A Query replaces the unnamed statement and ends all portals.
  void forget_unnamed();

 private:
  struct Portal {
    std::string text;
    std::vector<uint16_t> formats;
    bool has_run = false;
    std::string result;   // what is left to be sent, without the description of the columns
    std::string columns;  // RowDescription or NoData
  };

  io::Task<std::string> reply_to(wire::Message message);
  std::string parse(ByteView body);
  std::string bind(ByteView body);
  io::Task<std::string> describe(ByteView body);
  io::Task<std::string> execute(ByteView body);
  std::string close(ByteView body);
  std::string sync();

  io::Task<void> run(Portal& portal);
  io::Task<void> look_at(Portal& portal);
  const std::string& statement(const std::string& name) const;
  Portal& portal(const std::string& name);

  Consoles& consoles_;
  Console& console_;
  std::map<std::string, std::string> statements_;  // name, text
  std::map<std::string, Portal> portals_;
  bool is_skipping_ = false;
};

}  // namespace remuda::admin
