#include "route/patroni_cluster.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "remuda/base/error.h"

namespace remuda::route {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 16;
constexpr size_t kMaxText = 255;
constexpr uint64_t kUsualPort = 5432;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw PgError(where + ": " + what);
}

// Null counts as missing.
const Json* find(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

// As Python sees it, which is how Patroni reads its tags.
bool is_true(const Json* value) {
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number()) return value->get<double>() != 0;
  if (value->is_string()) return !value->get_ref<const std::string&>().empty();
  return !value->empty();
}

// One element of `members`. Every getter throws PgError for a value of another kind.
class MemberReader {
 public:
  MemberReader(const Json& member, size_t index)
      : member_(member), where_(fmt::format("members[{}]", index)) {
    if (!member.is_object()) refuse(where_, "not an object");
  }

  // Empty when it is missing.
  std::string text(const char* key) const {
    const Json* value = find(member_, key);
    if (value == nullptr) return {};
    if (!value->is_string()) fail(key, "not a string");
    const auto& text = value->get_ref<const std::string&>();
    if (text.size() > kMaxText) fail(key, fmt::format("longer than {} bytes", kMaxText));
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) fail(key, "has a control character");
    }
    return text;
  }

  std::optional<uint64_t> number(const char* key, uint64_t low, uint64_t high) const {
    const Json* value = find(member_, key);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned()) {
      const auto number = value->get<uint64_t>();
      if (number >= low && number <= high) return number;
    }
    fail(key, fmt::format("not a whole number from {} to {}", low, high));
  }

  // In bytes; nothing if it is missing or "unknown".
  std::optional<uint64_t> lag(const char* key) const {
    const Json* value = find(member_, key);
    if (value == nullptr || *value == "unknown") return std::nullopt;
    return number(key, 0, std::numeric_limits<int64_t>::max());
  }

  const Json* tag(const char* key) const {
    const Json* tags = find(member_, "tags");
    if (tags == nullptr) return nullptr;
    if (!tags->is_object()) fail("tags", "not an object");
    return find(*tags, key);
  }

  [[noreturn]] void fail(const char* key, const std::string& what) const {
    refuse(where_ + "." + key, what);
  }

 private:
  const Json& member_;
  const std::string where_;
};

HostRole read_role(const MemberReader& member) {
  const std::string role = member.text("role");
  if (role == "leader" || role == "master" || role == "primary") return HostRole::primary;
  for (const char* standby : {"replica", "sync_standby", "quorum_standby", "standby_leader"}) {
    if (role == standby) return HostRole::standby;
  }
  return HostRole::unknown;
}

// The second and third are what a standby does while it is running.
bool read_running(const MemberReader& member) {
  const std::string state = member.text("state");
  return state == "running" || state == "streaming" || state == "in archive recovery";
}

// A name or a numeric address; a path, which libpq would take for a socket, is none.
std::string read_host(const MemberReader& member) {
  std::string host = member.text("host");
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:%").find(c) != std::string_view::npos;
  };
  if (!std::all_of(host.begin(), host.end(), is_allowed)) member.fail("host", "not a host");
  return host;
}

// nofailover wins where both tags are set.
bool read_nofailover(const MemberReader& member) {
  if (const Json* tag = member.tag("nofailover")) return is_true(tag);
  const Json* priority = member.tag("failover_priority");
  if (priority == nullptr) return false;
  if (priority->is_number()) return priority->get<double>() <= 0;
  if (!priority->is_string()) return false;
  const auto& text = priority->get_ref<const std::string&>();
  int value = 1;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && value <= 0;
}

ClusterMember read_member(const MemberReader& reader) {
  ClusterMember member;
  member.name = reader.text("name");
  if (member.name.empty()) reader.fail("name", "missing");
  member.host = read_host(reader);
  member.port = static_cast<uint16_t>(reader.number("port", 1, 65535).value_or(kUsualPort));
  member.role = read_role(reader);
  member.running = read_running(reader);
  const std::optional<uint64_t> received = reader.lag("lag");
  member.lag_bytes = reader.lag("replay_lag");
  if (!member.lag_bytes) member.lag_bytes = received;
  const uint64_t highest = std::numeric_limits<uint32_t>::max();
  member.timeline = static_cast<uint32_t>(reader.number("timeline", 0, highest).value_or(0));
  member.noloadbalance = is_true(reader.tag("noloadbalance"));
  member.nofailover = read_nofailover(reader);
  return member;
}

std::vector<ClusterMember> read_members(const Json& list) {
  if (!list.is_array()) refuse("members", "not an array");
  if (list.size() > kMaxClusterMembers) {
    refuse("members", fmt::format("more than {}", kMaxClusterMembers));
  }
  std::vector<ClusterMember> members;
  std::set<std::string> names;
  bool has_primary = false;
  for (size_t i = 0; i < list.size(); ++i) {
    const MemberReader reader(list[i], i);
    ClusterMember member = read_member(reader);
    if (!names.insert(member.name).second) reader.fail("name", "is another member's too");
    if (member.role == HostRole::primary) {
      if (has_primary) reader.fail("role", "a second leader");
      has_primary = true;
    }
    if (!member.host.empty()) members.push_back(std::move(member));
  }
  return members;
}

Json read_json(std::string_view text) {
  if (text.size() > kMaxPatroniAnswer) {
    throw PgError(fmt::format("the answer is longer than {} bytes", kMaxPatroniAnswer));
  }
  const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth <= kMaxDepth) return true;
    throw PgError(fmt::format("the answer is nested deeper than {}", kMaxDepth));
  };
  Json json = Json::parse(text.begin(), text.end(), limit_depth, false);
  if (json.is_discarded()) throw PgError("the answer is not JSON");
  if (!json.is_object()) throw PgError("the answer is not an object");
  return json;
}

}  // namespace

ClusterView parse_patroni_cluster(std::string_view text) {
  const Json json = read_json(text);
  ClusterView view;
  const Json* members = find(json, "members");
  if (members == nullptr) refuse("members", "missing");
  view.members = read_members(*members);
  if (const Json* pause = find(json, "pause")) {
    if (!pause->is_boolean()) refuse("pause", "not a boolean");
    view.paused = pause->get<bool>();
  }
  return view;
}

}  // namespace remuda::route
