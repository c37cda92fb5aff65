// What a check says of its host, and who is told.
#include <fmt/core.h>

#include "proxy/host_watch.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"

namespace remuda::proxy {
namespace {

using route::HealthSample;
using route::HostRole;
using route::HostState;

std::string what_it_is(HostState state, HostRole role) {
  if (role == HostRole::unknown || state == HostState::unknown) return to_text(state);
  return fmt::format("{}, a {}", to_text(state), to_text(role));
}

void log_change(const route::HostEntry& entry, const route::HostHealth& before,
                const route::HostHealth& after, Micros now) {
  const std::string was =
      before.state() == HostState::unknown
          ? ""
          : fmt::format(" (was {} for {:.1f} s)", what_it_is(before.state(), before.role()),
                        static_cast<double>(now - before.since()) / kSecond);
  const std::string why = after.reason().empty() ? "" : ": " + after.reason();
  const std::string text = fmt::format("host {} is {}{}{}", entry.name(),
                                       what_it_is(after.state(), after.role()), why, was);
  if (after.state() == HostState::up) {
    log::info("{}", text);
  } else {
    log::warning("{}", text);
  }
}

}  // namespace

// Checks overlap, so one may be answered when a later one has been already.
void HostWatch::conclude(Watched& host, uint64_t number, const Finding& finding) {
  if (is_from_elsewhere(host, finding) || number < host.answered) return;
  HealthSample sample = finding.failure;
  if (finding.answer) sample = sample_of(host, *finding.answer);
  const bool is_alive = sample.answer != HealthSample::Answer::failed;
  if (is_alive) host.answered = number;
  const bool is_standby = finding.answer && sample.role == HostRole::standby;
  host.is_early = is_standby && is_too_early(host);
  if (!host.is_early) take(host, number, sample);
  wake_company(host);
}

HealthSample HostWatch::sample_of(Watched& host, const ProbeAnswer& answer) {
  const Micros now = loop_.now();
  host.system = answer.system;
  host.entry->timeline = answer.timeline;
  HealthSample sample;
  sample.answer = HealthSample::Answer::fine;
  sample.role = answer.role;
  route::Lag lag;
  if (answer.role == HostRole::primary) {
    host.primary_timeline = answer.timeline;
    if (answer.written) host.history.note(now, *answer.written, answer.timeline);
    sample.is_superseded = is_outranked(host);
  } else {
    // It has been made anew from another one, and is not what it was.
    if (answer.timeline < host.primary_timeline) host.primary_timeline = 0;
    const uint64_t replayed = answer.standby.replayed.value_or(0);
    host.history.note(now, std::max(replayed, answer.standby.received.value_or(0)), 0);
    lag = lag_of(host, answer.standby);
    sample.lag = lag.time;
    sample.lag_bytes = lag.bytes;
  }
  host.entry->lag_time = lag.time.value_or(-1);
  host.entry->lag_bytes = lag.bytes ? static_cast<int64_t>(*lag.bytes) : -1;
  return sample;
}

void HostWatch::take(Watched& host, uint64_t number, const HealthSample& sample) {
  const Micros now = loop_.now();
  route::HostEntry& entry = *host.entry;
  const bool is_fine = sample.answer == HealthSample::Answer::fine;
  (is_fine ? entry.checks_passed : entry.checks_failed).fetch_add(1);
  if (sample.answer == HealthSample::Answer::refused && entry.last_error() != sample.reason) {
    log::warning("host {} refuses to be checked: {}", entry.name(), sample.reason);
  }
  if (!is_fine) entry.set_last_error(sample.reason);
  const route::HostHealth before = host.health;
  const bool changed = host.health.observe(rules(), sample, now);
  if (host.alarmed >= number) host.health.suspect();
  if (changed) {
    note_change(host, before);
  } else {
    publish(host);
  }
  const bool is_primary =
      host.health.state() == HostState::up && host.health.role() == HostRole::primary;
  if (is_primary) supersede_others(host);
}

// While its primary goes on nobody knows how far it has fallen back since it was asked.
void HostWatch::expire(Watched& host) {
  const Watched* primary = primary_of(host);
  const bool is_led =
      primary && primary->health.state() == HostState::up && !primary->health.is_in_transition();
  const route::HostHealth before = host.health;
  if (is_led && host.health.expire(rules(), loop_.now())) note_change(host, before);
}

// One that comes back from the dead does not know yet that the others have gone on without it.
void HostWatch::supersede_others(const Watched& primary) {
  for (Watched* other : relatives(primary)) {
    if (!is_outranked(*other)) continue;
    const route::HostHealth before = other->health;
    if (other->health.supersede(loop_.now())) note_change(*other, before);
  }
}

void HostWatch::note_change(Watched& host, const route::HostHealth& before) {
  route::HostEntry& entry = *host.entry;
  const Micros now = loop_.now();
  log_change(entry, before, host.health, now);
  const bool is_up = host.health.state() == HostState::up;
  const bool is_back = is_up && before.state() != HostState::up;
  if (is_back && before.state() != HostState::unknown) entry.up_since = now;
  if (!is_up) entry.set_last_error(host.health.reason());
  publish(host);
  tell_workers();
  if (is_up && host.health.role() == HostRole::primary) question_patroni(host);
}

// The epoch last: who reads it first and then sees the old state has an epoch that is over.
void HostWatch::publish(Watched& host) {
  route::HostEntry& entry = *host.entry;
  entry.role = host.health.role();
  entry.state = host.health.state();
  entry.since = host.health.since();
  entry.is_suspect = host.health.is_in_doubt();
  if (std::exchange(host.epoch, host.health.epoch()) != host.health.epoch()) {
    entry.epoch.fetch_add(1);
  }
}

void HostWatch::tell_workers() const {
  for (Worker* worker : shared_.workers) {
    worker->post([worker] { worker->hosts_changed(); });
  }
}

}  // namespace remuda::proxy
