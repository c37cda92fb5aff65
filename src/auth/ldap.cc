#include "auth/ldap.h"

#include "remuda/base/error.h"

#ifdef REMUDA_HAVE_LDAP

#include <fmt/core.h>
#include <lber.h>
#include <ldap.h>
#include <sys/time.h>

#include <algorithm>
#include <memory>

#include "auth/ldap_watch.h"
#include "config/secret_file.h"
#include "io/timer.h"
#include "remuda/base/log.h"
#include "remuda/base/time.h"

namespace remuda::auth {
namespace {

constexpr Micros kShortestStep = kSecond / 50;  // with less time left, none is begun
constexpr Micros kLookEvery = kSecond / 4;
constexpr size_t kMaxLoggedDetail = 200;

struct Unbind {
  void operator()(LDAP* ldap) const noexcept { ldap_unbind_ext_s(ldap, nullptr, nullptr); }
};
using Session = std::unique_ptr<LDAP, Unbind>;

struct FreeMessage {
  void operator()(LDAPMessage* message) const noexcept { ldap_msgfree(message); }
};
using Message = std::unique_ptr<LDAPMessage, FreeMessage>;

struct FreeMemory {
  void operator()(char* memory) const noexcept { ldap_memfree(memory); }
};
using Text = std::unique_ptr<char, FreeMemory>;

// What a step came to. `elsewhere`: the next server may know better.
enum class Answer { yes, no, elsewhere };

// One login as the directory sees it: everything here runs on one pool thread.
struct Attempt {
  const LdapOptions& options;
  const std::string& user;
  const std::string& password;
  LdapWatch& watch;
  ldap_conncb& callbacks;  // libldap's way to the watch
  Micros step;
  Micros deadline;     // of all servers together
  std::string server;  // as a URL
};

timeval time_left(const Attempt& attempt) {
  const Micros left =
      std::min(std::max(attempt.deadline - monotonic_now(), kShortestStep), attempt.step);
  return {left / kSecond, left % kSecond};
}

bool is_late(const Attempt& attempt) {
  return monotonic_now() + kShortestStep >= attempt.deadline;
}

// What failed without anything being said about the password.
bool is_server_trouble(int code) {
  return code < 0 || code == LDAP_UNAVAILABLE || code == LDAP_BUSY ||
         code == LDAP_ADMINLIMIT_EXCEEDED || code == LDAP_TIMELIMIT_EXCEEDED;
}

// libldap's words, and the server's own where it has any.
std::string reason(LDAP* ldap, int code) {
  std::string text = ldap_err2string(code);
  char* detail = nullptr;
  if (ldap != nullptr) ldap_get_option(ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
  const Text owned(detail);
  if (detail != nullptr && *detail != '\0') {
    text += ": " + std::string(detail).substr(0, kMaxLoggedDetail);
  }
  return text;
}

Answer failed(const Attempt& attempt, LDAP* ldap, const char* what, int code) {
  log::warning("LDAP server {}: {} for user \"{}\": {}", attempt.server, what, attempt.user,
               reason(ldap, code));
  return is_server_trouble(code) ? Answer::elsewhere : Answer::no;
}

// Called when the connection is there, before its TLS. From here on the watch limits the time:
// with a limit of libldap's own, a handshake would poll the socket without pause.
int take_socket(LDAP* ldap, Sockbuf* buffer, LDAPURLDesc*, sockaddr*, ldap_conncb* self) noexcept {
  ber_socket_t socket = -1;
  if (ber_sockbuf_ctrl(buffer, LBER_SB_OPT_GET_FD, &socket) != 1) return -1;
  if (!static_cast<LdapWatch*>(self->lc_arg)->watch(socket)) return -1;
  constexpr timeval kForever{-1, 0};
  return ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &kForever);
}
void forget_socket(LDAP*, Sockbuf*, ldap_conncb* self) noexcept {
  static_cast<LdapWatch*>(self->lc_arg)->forget();
}

// For the step that begins. libldap's limit comes first, as it says what happened.
void limit_time(LDAP* ldap, const Attempt& attempt) {
  const timeval left = time_left(attempt);
  ldap_set_option(ldap, LDAP_OPT_TIMEOUT, &left);
  attempt.watch.begin_step(monotonic_now() + left.tv_sec * kSecond + left.tv_usec + kLookEvery);
}

// Ready for its first request; connects at that, but for StartTLS, which is one.
Answer open_session(const Attempt& attempt, Session& session) {
  LDAP* ldap = nullptr;
  int code = ldap_initialize(&ldap, attempt.server.c_str());
  session.reset(ldap);
  if (code != LDAP_SUCCESS) return failed(attempt, nullptr, "ldap_initialize() failed", code);
  const int version = LDAP_VERSION3;
  ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
  ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  ldap_set_option(ldap, LDAP_OPT_RESTART, LDAP_OPT_ON);
  ldap_set_option(ldap, LDAP_OPT_CONNECT_CB, &attempt.callbacks);
  const timeval left = time_left(attempt);
  ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &left);
  limit_time(ldap, attempt);
  if (!attempt.options.use_start_tls) return Answer::yes;
  code = ldap_start_tls_s(ldap, nullptr, nullptr);
  if (code != LDAP_SUCCESS) {
    failed(attempt, ldap, "StartTLS failed", code);
    return Answer::elsewhere;
  }
  return Answer::yes;
}

int bind_as(LDAP* ldap, const Attempt& attempt, const std::string& dn,
            const std::string& password) {
  limit_time(ldap, attempt);
  // libldap reads the bytes only.
  berval credentials{password.size(), const_cast<char*>(password.data())};
  return ldap_sasl_bind_s(ldap, dn.c_str(), LDAP_SASL_SIMPLE, &credentials, nullptr, nullptr,
                          nullptr);
}

// As who searches; without a name that is nobody.
Answer bind_to_search(LDAP* ldap, const Attempt& attempt) {
  const LdapOptions& options = attempt.options;
  std::string password = options.bind_password;
  const wire::WipeAtEnd wipe_password(password);
  if (!options.bind_password_file.empty()) {
    std::vector<std::string> messages;
    const std::string fault =
        config::read_secret_file(options.bind_password_file, password, messages);
    for (const std::string& message : messages) log::warning("{}", message);
    if (!fault.empty()) {
      log::error("ldapbindpasswdfile: {}", fault);
      return Answer::no;
    }
  }
  const int code = bind_as(ldap, attempt, options.bind_dn, password);
  if (code == LDAP_SUCCESS) return Answer::yes;
  return failed(attempt, ldap, "the bind before the search failed", code);
}

int raw_scope(LdapScope scope) {
  if (scope == LdapScope::base) return LDAP_SCOPE_BASE;
  return scope == LdapScope::one ? LDAP_SCOPE_ONELEVEL : LDAP_SCOPE_SUBTREE;
}

// The distinguished name of the one entry that is the user's.
Answer search(LDAP* ldap, const Attempt& attempt, std::string& dn) {
  const std::string filter = ldap_filter(attempt.options, attempt.user);
  char no_attributes[] = LDAP_NO_ATTRS;
  char* attributes[] = {no_attributes, nullptr};
  timeval left = time_left(attempt);
  limit_time(ldap, attempt);
  LDAPMessage* found = nullptr;
  const int code =
      ldap_search_ext_s(ldap, attempt.options.base_dn->c_str(), raw_scope(attempt.options.scope),
                        filter.c_str(), attributes, 0, nullptr, nullptr, &left, 2, &found);
  const Message message(found);
  // More than the two that were asked for.
  if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED) {
    return failed(attempt, ldap, "the search failed", code);
  }
  const int count = found == nullptr ? 0 : ldap_count_entries(ldap, found);
  if (code == LDAP_SIZELIMIT_EXCEEDED || count != 1) {
    log::warning("LDAP server {}: {} entry matches {}", attempt.server,
                 count == 0 ? "no" : "more than one", filter);
    return Answer::no;
  }
  const Text text(ldap_get_dn(ldap, ldap_first_entry(ldap, found)));
  if (text) dn = text.get();
  if (!dn.empty()) return Answer::yes;
  log::warning("LDAP server {}: the entry that matches {} has no name", attempt.server, filter);
  return Answer::no;
}

Answer find_dn(const Attempt& attempt, std::string& dn) {
  Session session;
  Answer answer = open_session(attempt, session);
  if (answer == Answer::yes) answer = bind_to_search(session.get(), attempt);
  if (answer == Answer::yes) answer = search(session.get(), attempt, dn);
  return answer;
}

// The user's bind has a connection of its own: what the searcher may do ends with the other.
Answer ask(const Attempt& attempt) {
  std::string dn = attempt.options.prefix + attempt.user + attempt.options.suffix;
  Answer answer = Answer::yes;
  if (attempt.options.is_search()) answer = find_dn(attempt, dn);
  if (answer != Answer::yes) return answer;
  Session session;
  answer = open_session(attempt, session);
  if (answer != Answer::yes) return answer;
  const int code = bind_as(session.get(), attempt, dn, attempt.password);
  if (code == LDAP_SUCCESS) return Answer::yes;
  return failed(attempt, session.get(), "the bind failed", code);
}

// From the DNS records of the domain that the base names, with ports.
std::vector<std::string> find_places(const LdapOptions& options) {
  char* domain = nullptr;
  char* hosts = nullptr;
  ldap_dn2domain(options.base_dn->c_str(), &domain);
  const Text owned_domain(domain);
  if (domain == nullptr || *domain == '\0' || ldap_domain2hostlist(domain, &hosts) != 0) {
    log::error("LDAP: no server is configured, and DNS knows none for ldapbasedn \"{}\"",
               *options.base_dn);
    return {};
  }
  const Text owned_hosts(hosts);
  std::vector<std::string> places;
  std::string_view rest = hosts == nullptr ? "" : hosts;
  while (!rest.empty() && places.size() < 16) {
    const std::string_view place = rest.substr(0, rest.find(' '));
    if (!place.empty()) places.emplace_back(place);
    rest.remove_prefix(std::min(place.size() + 1, rest.size()));
  }
  return places;
}

std::vector<std::string> servers_of(const LdapOptions& options) {
  std::vector<std::string> places;
  for (const std::string& server : options.servers) {
    const bool is_ipv6 = server.find(':') != server.npos;
    places.push_back(fmt::format("{}:{}", is_ipv6 ? "[" + server + "]" : server, options.port));
  }
  if (places.empty()) places = find_places(options);
  for (std::string& place : places) place.insert(0, options.is_ldaps ? "ldaps://" : "ldap://");
  return places;
}

// libldap reads its configuration at the first call, which threads may not do at once.
void begin_libldap() {
  [[maybe_unused]] static const int code =
      ldap_set_option(nullptr, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
}

bool check(const LdapOptions& options, const std::string& user, const std::string& password,
           LdapWatch& watch, LdapLimits limits) {
  // RFC 4513: without a password a directory says yes to everybody.
  if (password.empty() || password.find('\0') != password.npos) return false;
  if (!(options.is_search() ? is_ldap_filter_name(user) : is_ldap_dn_name(user))) {
    log::warning("LDAP: the user name \"{}\" has characters that are not allowed there", user);
    return false;
  }
  begin_libldap();
  ldap_conncb callbacks{take_socket, forget_socket, &watch};
  Attempt attempt{
      options, user, password, watch, callbacks, limits.step, monotonic_now() + limits.all, ""};
  for (const std::string& server : servers_of(options)) {
    if (is_late(attempt)) break;
    attempt.server = server;
    const Answer answer = ask(attempt);
    if (answer != Answer::elsewhere) return answer == Answer::yes;
  }
  return false;
}

}  // namespace

io::Task<bool> ldap_check(io::Loop& loop, io::OffloadLimit& limit, LdapOptions options,
                          std::string user, std::string password, LdapLimits limits) {
  const wire::WipeAtEnd wipe_password(password);
  LdapWatch watch;
  io::Timer look(loop);
  look.repeat(kLookEvery, [&] { watch.look(monotonic_now()); });
  auto work = [&] { return check(options, user, password, watch, limits); };
  co_return co_await io::offload(loop, work, &limit);
}

}  // namespace remuda::auth

#else

namespace remuda::auth {

io::Task<bool> ldap_check(io::Loop&, io::OffloadLimit&, LdapOptions, std::string,
                          std::string password, LdapLimits) {
  wire::wipe(password);
  throw PgError("ldap is not supported by this build");
  co_return false;
}

}  // namespace remuda::auth

#endif
