#include "auth/pam.h"

#include "remuda/base/error.h"
#include "remuda/wire/crypto.h"

#ifdef REMUDA_HAVE_PAM

#include <security/pam_appl.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>

#include "io/deadline.h"
#include "remuda/base/log.h"

namespace remuda::auth {
namespace {

constexpr int kMaxAnswers = 32;
constexpr size_t kMaxLoggedMessage = 200;

// What the modules of one check are told, and what they say.
struct Talk {
  const std::string& user;
  const std::string& password;
  int answers = 0;
  Micros pause = 0;
};

// The responses become the modules' own: they free them with free().
char* copy_for_module(const std::string& text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

void free_responses(pam_response* responses, int count) {
  for (int i = 0; i < count; ++i) {
    if (responses[i].resp == nullptr) continue;
    explicit_bzero(responses[i].resp, strlen(responses[i].resp));
    std::free(responses[i].resp);
  }
  std::free(responses);
}

// Only what is asked without echo is the password; a visible question has no answer here.
int answer(Talk& talk, const pam_message& message, pam_response& response) {
  switch (message.msg_style) {
    case PAM_PROMPT_ECHO_OFF:
      if (++talk.answers > kMaxAnswers) return PAM_CONV_ERR;
      response.resp = copy_for_module(talk.password);
      return response.resp == nullptr ? PAM_BUF_ERR : PAM_SUCCESS;
    case PAM_ERROR_MSG:
      log::warning("PAM for user \"{}\": {}", talk.user,
                   std::string_view(message.msg).substr(0, kMaxLoggedMessage));
      return PAM_SUCCESS;
    case PAM_TEXT_INFO:
      return PAM_SUCCESS;
    default:
      return PAM_CONV_ERR;
  }
}

// Called by modules, which are C.
int converse(int count, const pam_message** messages, pam_response** out, void* data) noexcept {
  auto& talk = *static_cast<Talk*>(data);
  *out = nullptr;
  if (count < 1 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* responses =
      static_cast<pam_response*>(std::calloc(static_cast<size_t>(count), sizeof(pam_response)));
  if (responses == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const int code = answer(talk, *messages[i], responses[i]);
    if (code == PAM_SUCCESS) continue;
    free_responses(responses, count);
    return code;
  }
  *out = responses;
  return PAM_SUCCESS;
}

// Instead of libpam's own sleep, which would keep the thread.
void note_pause(int, unsigned microseconds, void* data) noexcept {
  static_cast<Talk*>(data)->pause = microseconds;
}

int prepare(pam_handle_t* handle, const std::string& remote_host) {
  const int code = pam_set_item(handle, PAM_RHOST, remote_host.c_str());
  if (code != PAM_SUCCESS) return code;
#ifdef PAM_FAIL_DELAY
  return pam_set_item(handle, PAM_FAIL_DELAY, reinterpret_cast<const void*>(note_pause));
#else
  return code;
#endif
}

bool ask(const std::string& service, const std::string& directory, const std::string& remote_host,
         Talk& talk) {
  const pam_conv conversation{converse, &talk};
  pam_handle_t* handle = nullptr;
  const char* step = "pam_start";
  int code = pam_start_confdir(service.c_str(), talk.user.c_str(), &conversation,
                               directory.empty() ? nullptr : directory.c_str(), &handle);
  if (code == PAM_SUCCESS) {
    step = "pam_set_item";
    code = prepare(handle, remote_host);
  }
  if (code == PAM_SUCCESS) {
    step = "pam_authenticate";
    code = pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  }
  if (code == PAM_SUCCESS) {
    step = "pam_acct_mgmt";
    code = pam_acct_mgmt(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  }
  if (code != PAM_SUCCESS) {
    log::warning("{}() failed for user \"{}\": {}", step, talk.user, pam_strerror(handle, code));
  }
  if (handle != nullptr) pam_end(handle, code);
  return code == PAM_SUCCESS;
}

bool has_zero_byte(const std::string& text) {
  return text.find('\0') != text.npos;
}

}  // namespace

io::Task<bool> pam_check(io::Loop& loop, io::OffloadLimit& limit, std::string service,
                         std::string user, std::string password, std::string remote_host,
                         std::string directory) {
  const wire::WipeAtEnd wipe_password(password);
  if (user.empty() || password.empty() || has_zero_byte(user) || has_zero_byte(password)) {
    co_return false;
  }
  Talk talk{user, password};
  auto work = [&] { return ask(service, directory, remote_host, talk); };
  const bool right = co_await io::offload(loop, work, &limit);
  if (!right && talk.pause > 0) co_await io::sleep_for(loop, std::min(talk.pause, kMaxPamPause));
  co_return right;
}

}  // namespace remuda::auth

#else

namespace remuda::auth {

io::Task<bool> pam_check(io::Loop&, io::OffloadLimit&, std::string, std::string,
                         std::string password, std::string, std::string) {
  wire::wipe(password);
  throw PgError("pam is not supported by this build");
  co_return false;
}

}  // namespace remuda::auth

#endif

namespace remuda::auth {

io::Task<bool> pam_check(io::Loop& loop, io::OffloadLimit& limit, std::string service,
                         std::string user, std::string password, std::string remote_host) {
  return pam_check(loop, limit, std::move(service), std::move(user), std::move(password),
                   std::move(remote_host), std::string());
}

}  // namespace remuda::auth
