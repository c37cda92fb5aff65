#include "remuda/session/statement_effects.h"

#include <algorithm>

#include "remuda/session/parameters.h"

namespace remuda::session {
namespace {

using Kind = StatementKind;

bool changes_settings(Kind kind) noexcept {
  return kind == Kind::set || kind == Kind::reset || kind == Kind::discard_all ||
         kind == Kind::select_set_config;
}

bool names_savepoint(Kind kind) noexcept {
  return kind == Kind::savepoint || kind == Kind::release || kind == Kind::rollback_to;
}

// A portal that has given its row does nothing when it is executed again.
bool is_portal_at_end(const StatementEffect& effect, ByteView tag) noexcept {
  if (effect.kind != Kind::select_set_config || tag != "SELECT 0") return false;
  return std::none_of(
      effect.changes.begin(), effect.changes.end(),
      [](const SettingChange& change) { return change.kind == SettingChange::Kind::unknown; });
}

}  // namespace

bool is_known_by_kind(Kind kind) noexcept {
  switch (kind) {
    case Kind::begin:
    case Kind::commit:
    case Kind::commit_and_chain:
    case Kind::rollback:
    case Kind::rollback_and_chain:
    case Kind::prepare_transaction:
      return true;
    default:
      return false;
  }
}

bool ends_statements(Kind kind) noexcept {
  return kind == Kind::deallocate || kind == Kind::deallocate_all || kind == Kind::discard_all;
}

StatementEffect read_effect(Kind kind, ByteView statement, const TextRules& rules) {
  StatementEffect effect{kind, {}, {}};
  if (names_savepoint(kind)) effect.text = statement;
  if (changes_settings(kind)) read_setting_changes(kind, statement, rules, effect.changes);
  return effect;
}

StatementEffects read_effects(ByteView text, const TextRules& rules) {
  StatementEffects effects;
  bool has_any = false;
  ByteView statement;
  while (next_statement(text, statement, rules.standard_strings)) {
    const Kind kind = statement_kind(statement);
    has_any |= kind != Kind::other;
    effects.push_back(read_effect(kind, statement, rules));
  }
  if (!has_any) effects.clear();
  return effects;
}

std::vector<SettingChange> bind_parameters(const std::vector<SettingChange>& changes,
                                           const std::vector<std::optional<ByteView>>& values,
                                           const TextRules& rules) {
  std::vector<SettingChange> bound;
  for (const SettingChange& change : changes) {
    bound.push_back(change.needs_parameters() ? bind_parameters(change, values, rules) : change);
  }
  return bound;
}

bool is_tag_of(Kind kind, ByteView tag) noexcept {
  switch (kind) {
    case Kind::set:
      return tag == "SET";
    case Kind::reset:
      return tag == "RESET";
    case Kind::discard_all:
      return tag == "DISCARD ALL";
    case Kind::select_set_config:
      return tag.starts_with("SELECT ");
    case Kind::begin:
      return tag == "BEGIN" || tag == "START TRANSACTION";
    case Kind::commit:
    case Kind::commit_and_chain:
      return tag == "COMMIT" || tag == "ROLLBACK";
    case Kind::prepare_transaction:
      return tag == "PREPARE TRANSACTION" || tag == "ROLLBACK";
    case Kind::rollback:
    case Kind::rollback_and_chain:
    case Kind::rollback_to:
      return tag == "ROLLBACK";
    case Kind::savepoint:
      return tag == "SAVEPOINT";
    case Kind::release:
      return tag == "RELEASE";
    case Kind::prepare:
      return tag == "PREPARE";
    case Kind::deallocate:
      return tag == "DEALLOCATE" || tag == "DEALLOCATE ALL";
    default:
      return !is_setting_tag(tag);
  }
}

void apply_effect(SettingsJournal& journal, const StatementEffect& effect, ByteView tag,
                  const ParameterSet& reported) {
  if (!is_tag_of(effect.kind, tag)) return journal.lose();
  if (is_portal_at_end(effect, tag)) return;
  for (const SettingChange& change : effect.changes) journal.apply(change, reported);
  // A transaction that had failed is rolled back by COMMIT.
  const bool is_rolled_back = tag == "ROLLBACK" && effect.kind != Kind::rollback_to;
  if (is_rolled_back && effect.kind != Kind::rollback_and_chain) {
    journal.rollback(effect.kind == Kind::commit_and_chain);
  } else {
    journal.apply(effect.kind, effect.text);
  }
}

void apply_text(SettingsJournal& journal, ByteView text, const ParameterSet& reported) {
  for (const StatementEffect& effect : read_effects(text, {})) {
    for (const SettingChange& change : effect.changes) journal.apply(change, reported);
    journal.apply(effect.kind, effect.text);
  }
  journal.ready(TransactionStatus::idle);
}

TextRules text_rules(const ParameterSet& parameters) noexcept {
  const std::string* standard = parameters.find("standard_conforming_strings");
  return {.standard_strings = standard == nullptr || !same_name(*standard, "off"),
          .encoding = parameters.find("client_encoding")};
}

}  // namespace remuda::session
