#include "route/host_choice.h"

#include <algorithm>
#include <vector>

namespace remuda::route {
namespace {

using config::LoadBalance;
using config::TargetSession;

constexpr uint64_t kFullShare = 1000;
constexpr uint64_t kFirstShare = 100;  // of a host that has just come up

struct Share {
  size_t place;
  uint64_t weight;
};

uint64_t share_of(const HostCandidate& host, Micros slow_start, Micros now) noexcept {
  const auto weight = static_cast<uint64_t>(std::max(host.weight, 1));
  const Micros age = now - host.up_since;
  if (slow_start <= 0 || age >= slow_start) return weight * kFullShare;
  const auto grown = kFullShare * static_cast<uint64_t>(std::max<Micros>(age, 0)) /
                     static_cast<uint64_t>(slow_start);
  return weight * std::max(kFirstShare, grown);
}

// Those that are best by one more quality, if any has it.
template <class Quality>
void narrow(std::vector<size_t>& places, Quality quality) {
  const bool any = std::any_of(places.begin(), places.end(), quality);
  if (any) std::erase_if(places, [&](size_t place) { return !quality(place); });
}

std::vector<size_t> best_places(std::span<const HostCandidate> hosts, TargetSession target) {
  std::vector<size_t> places;
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (can_serve(hosts[i], target)) places.push_back(i);
  }
  narrow(places, [&](size_t i) { return is_preferred(hosts[i], target); });
  narrow(places, [&](size_t i) { return hosts[i].weight > 0; });
  narrow(places, [&](size_t i) { return !hosts[i].is_suspect; });
  return places;
}

// `point` is anywhere from 0 to the sum of all weights.
size_t at_point(const std::vector<Share>& shares, uint64_t point) noexcept {
  for (const Share& share : shares) {
    if (point < share.weight) return share.place;
    point -= share.weight;
  }
  return shares.back().place;
}

uint64_t sum_of(const std::vector<Share>& shares) noexcept {
  uint64_t sum = 0;
  for (const Share& share : shares) sum += share.weight;
  return sum;
}

// Equal shares are served in their order. Others come in their proportion: steps of the golden
// section spread evenly over any interval.
size_t in_turn(const std::vector<Share>& shares, uint64_t turn) noexcept {
  const bool alike = std::all_of(shares.begin(), shares.end(), [&](const Share& share) {
    return share.weight == shares.front().weight;
  });
  if (alike) return shares[turn % shares.size()].place;
  constexpr uint64_t kGoldenSection = 0x9e3779b97f4a7c15;
  const uint64_t point = (turn * kGoldenSection) >> 32;
  return at_point(shares, point * sum_of(shares) >> 32);
}

size_t least_used(std::span<const HostCandidate> hosts, const std::vector<Share>& shares,
                  uint64_t turn) noexcept {
  const Share* best = nullptr;
  const auto load = [&](const Share& share) {
    return static_cast<uint64_t>(std::max(hosts[share.place].connections, 0));
  };
  for (size_t i = 0; i < shares.size(); ++i) {
    const Share& share = shares[(turn + i) % shares.size()];
    if (!best || load(share) * best->weight < load(*best) * share.weight) best = &share;
  }
  return best->place;
}

// The first one that is not before the place whose turn it is.
size_t kept(const std::vector<size_t>& places, size_t count, uint64_t turn) noexcept {
  const auto at = std::lower_bound(places.begin(), places.end(), turn % count);
  return at == places.end() ? places.front() : *at;
}

}  // namespace

bool can_serve(const HostCandidate& host, TargetSession target) noexcept {
  if (host.is_disabled) return false;
  // Of those that may have any role, one that nobody has looked at yet may be tried.
  if (target == TargetSession::any && host.state == HostState::unknown) return true;
  if (host.state != HostState::up) return false;
  if (host.is_spared && host.role == HostRole::standby) return false;
  switch (target) {
    case TargetSession::read_write:
    case TargetSession::primary:
      return host.role == HostRole::primary;
    case TargetSession::read_only:
    case TargetSession::standby:
      return host.role == HostRole::standby;
    case TargetSession::any:
    case TargetSession::prefer_standby:
      break;
  }
  return true;
}

bool is_preferred(const HostCandidate& host, TargetSession target) noexcept {
  if (!can_serve(host, target)) return false;
  return target != TargetSession::prefer_standby || host.role == HostRole::standby;
}

std::optional<size_t> choose_host(std::span<const HostCandidate> hosts, const HostWish& wish,
                                  Micros now, uint64_t turn, uint64_t random) {
  const std::vector<size_t> places = best_places(hosts, wish.target);
  if (places.empty()) return std::nullopt;
  if (wish.balance == LoadBalance::disable) return kept(places, hosts.size(), turn);
  std::vector<Share> shares;
  for (const size_t place : places) {
    shares.push_back({place, share_of(hosts[place], wish.slow_start, now)});
  }
  if (wish.balance == LoadBalance::random) return at_point(shares, random % sum_of(shares));
  if (wish.balance == LoadBalance::least_active) return least_used(hosts, shares, turn);
  return in_turn(shares, turn);
}

}  // namespace remuda::route
