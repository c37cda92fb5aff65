#include "route/primary_claim.h"

#include <tuple>

namespace remuda::route {
namespace {

// Somebody may try out a promotion where there is to be none.
bool is_credible(const PrimaryClaim& claim) noexcept {
  return claim.is_named || !claim.is_never_one;
}

bool is_before(const PrimaryClaim& other, const PrimaryClaim& claim) noexcept {
  if (!claim.is_serving) return true;
  return std::tie(other.since, other.name) < std::tie(claim.since, claim.name);
}

}  // namespace

bool outranks(const PrimaryClaim& other, const PrimaryClaim& claim) noexcept {
  if (other.timeline == 0) return false;
  const bool is_later = other.timeline > claim.timeline;
  if (is_credible(other) != is_credible(claim)) {
    return is_credible(other) && (other.is_serving || is_later);
  }
  if (other.timeline != claim.timeline) return is_later;
  if (!other.is_serving || !other.shares_writes) return false;
  if (other.is_named != claim.is_named) return other.is_named;
  return is_before(other, claim);
}

}  // namespace remuda::route
