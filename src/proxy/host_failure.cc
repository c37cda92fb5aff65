#include "proxy/host_failure.h"

#include <utility>

#include "pg/login.h"
#include "remuda/base/error.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {
namespace {

using route::HealthSample;

// Who comes up or goes down will take logins again, or for ever no more.
bool is_passing(const SqlState& state) noexcept {
  return state == wire::sqlstate::kCannotConnectNow || state == wire::sqlstate::kAdminShutdown;
}

HealthSample failed(std::string reason) {
  return {.answer = HealthSample::Answer::failed, .reason = std::move(reason)};
}
HealthSample refused(std::string reason) {
  return {.answer = HealthSample::Answer::refused, .reason = std::move(reason)};
}

}  // namespace

HealthSample sample_of_failure() {
  try {
    throw;
  } catch (const pg::ServerRefusal& refusal) {
    return is_passing(refusal.sqlstate()) ? failed(refusal.what()) : refused(refusal.what());
  } catch (const PgError& error) {
    return is_passing(error.sqlstate()) ? failed(error.what()) : refused(error.what());
  } catch (const SystemError& error) {
    return failed(error.code().message());
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}

}  // namespace remuda::proxy
