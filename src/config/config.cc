#include "config/config.h"

#include <array>

#include "remuda/base/text.h"

namespace remuda::config {
namespace {

template <class Enum>
struct Word {
  Enum value;
  const char* text;
};

constexpr std::array<Word<PoolMode>, 3> kPoolModes{{{PoolMode::session, "session"},
                                                    {PoolMode::transaction, "transaction"},
                                                    {PoolMode::statement, "statement"}}};
constexpr std::array<Word<AuthType>, 9> kAuthTypes{{{AuthType::any, "any"},
                                                    {AuthType::trust, "trust"},
                                                    {AuthType::plain, "plain"},
                                                    {AuthType::md5, "md5"},
                                                    {AuthType::cert, "cert"},
                                                    {AuthType::hba, "hba"},
                                                    {AuthType::scram_sha_256, "scram-sha-256"},
                                                    {AuthType::pam, "pam"},
                                                    {AuthType::ldap, "ldap"}}};
constexpr std::array<Word<TlsMode>, 6> kTlsModes{{{TlsMode::disable, "disable"},
                                                  {TlsMode::allow, "allow"},
                                                  {TlsMode::prefer, "prefer"},
                                                  {TlsMode::require, "require"},
                                                  {TlsMode::verify_ca, "verify-ca"},
                                                  {TlsMode::verify_full, "verify-full"}}};
constexpr std::array<Word<TlsNegotiation>, 2> kTlsNegotiations{
    {{TlsNegotiation::postgres, "postgres"}, {TlsNegotiation::direct, "direct"}}};
constexpr std::array<Word<TrackSettings>, 3> kTrackSettings{{{TrackSettings::off, "off"},
                                                             {TrackSettings::reported, "reported"},
                                                             {TrackSettings::on, "on"}}};
constexpr std::array<Word<LoadBalance>, 4> kLoadBalances{
    {{LoadBalance::round_robin, "round-robin"},
     {LoadBalance::random, "random"},
     {LoadBalance::least_active, "least-active"},
     {LoadBalance::disable, "disable"}}};
constexpr std::array<Word<TargetSession>, 6> kTargetSessions{
    {{TargetSession::any, "any"},
     {TargetSession::read_write, "read-write"},
     {TargetSession::read_only, "read-only"},
     {TargetSession::primary, "primary"},
     {TargetSession::standby, "standby"},
     {TargetSession::prefer_standby, "prefer-standby"}}};
constexpr std::array<Word<OnDemotion>, 2> kOnDemotions{
    {{OnDemotion::drain, "drain"}, {OnDemotion::kill, "kill"}}};

template <class Words, class Enum>
const char* text_of(const Words& words, Enum value) noexcept {
  for (const auto& word : words) {
    if (word.value == value) return word.text;
  }
  return "";
}

template <class Enum, size_t N>
std::optional<Enum> value_of(const std::array<Word<Enum>, N>& words,
                             std::string_view text) noexcept {
  for (const auto& word : words) {
    if (same_word(word.text, text)) return word.value;
  }
  return std::nullopt;
}

}  // namespace

bool is_console(std::string_view database) noexcept {
  return database == kConsoleName || database == "remuda";
}

const char* to_text(PoolMode mode) noexcept {
  return text_of(kPoolModes, mode);
}
const char* to_text(AuthType type) noexcept {
  return text_of(kAuthTypes, type);
}
const char* to_text(TlsMode mode) noexcept {
  return text_of(kTlsModes, mode);
}
const char* to_text(TlsNegotiation negotiation) noexcept {
  return text_of(kTlsNegotiations, negotiation);
}
const char* to_text(TrackSettings tracking) noexcept {
  return text_of(kTrackSettings, tracking);
}
const char* to_text(LoadBalance balance) noexcept {
  return text_of(kLoadBalances, balance);
}
const char* to_text(TargetSession target) noexcept {
  return text_of(kTargetSessions, target);
}
const char* to_text(OnDemotion choice) noexcept {
  return text_of(kOnDemotions, choice);
}

std::optional<PoolMode> pool_mode_from(std::string_view text) noexcept {
  return value_of(kPoolModes, text);
}
std::optional<AuthType> auth_type_from(std::string_view text) noexcept {
  return value_of(kAuthTypes, text);
}
std::optional<TlsMode> tls_mode_from(std::string_view text) noexcept {
  return value_of(kTlsModes, text);
}
std::optional<TlsNegotiation> tls_negotiation_from(std::string_view text) noexcept {
  return value_of(kTlsNegotiations, text);
}
std::optional<TrackSettings> track_settings_from(std::string_view text) noexcept {
  return value_of(kTrackSettings, text);
}
std::optional<LoadBalance> load_balance_from(std::string_view text) noexcept {
  return value_of(kLoadBalances, text);
}
std::optional<TargetSession> target_session_from(std::string_view text) noexcept {
  return value_of(kTargetSessions, text);
}
std::optional<OnDemotion> on_demotion_from(std::string_view text) noexcept {
  return value_of(kOnDemotions, text);
}

}  // namespace remuda::config
