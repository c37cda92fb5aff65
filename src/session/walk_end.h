// What the two directions of the conversation share. Used by the conversation only.
#pragma once

#include "frame_walk.h"
#include "remuda/session/conversation.h"

namespace remuda::session {

extern const Fault kBadHeader;

inline Progress stop(FrameWalk& walk, Need need, const Fault* fault = nullptr) noexcept {
  return {walk.consumed(), need, fault, walk.counts()};
}

inline bool is_bad_length(const FrameHeader& header, const Limits& limits) noexcept {
  return header.length < 4 || header.length > limits.max_packet_size;
}

inline bool is_released(const ServerView& server, const ClientView& client) noexcept {
  return client.release != Release::session && client.frame.at_boundary() && server.is_quiet();
}

// Our own query is the next to be answered.
inline bool is_internal(const Pipeline& pipeline) noexcept {
  return !pipeline.empty() && pipeline.front().action == Action::swallow &&
         pipeline.front().reply == Reply::query;
}

// All that decides what the text of a statement means that is sent now, behind a replay on its way.
inline ParameterSet::Context context_of(const ClientView& client, const ServerView& server) {
  ParameterSet::Context context = client.parameters->context();
  server.settings.add_context(context, is_internal(server.pipeline));
  return context;
}

}  // namespace remuda::session
