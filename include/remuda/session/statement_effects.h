// What the statements of a query text do to the session and its transaction, once each of them is
// answered by CommandComplete. Read from the text when it is sent, applied to the server's journal
// of settings when its tag confirms it. Pure. PostgreSQL manual, SQL Commands; Message Flow.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remuda/base/bytes.h"
#include "remuda/session/setting_change.h"
#include "remuda/session/settings_journal.h"
#include "remuda/session/statement_text.h"

namespace remuda::session {

struct StatementEffect {
  StatementKind kind = StatementKind::other;
  std::string text;  // of what names a savepoint
  std::vector<SettingChange> changes;
};
using StatementEffects = std::vector<StatementEffect>;

// Its kind says all: it begins or ends a transaction.
bool is_known_by_kind(StatementKind kind) noexcept;

// DEALLOCATE and DISCARD.
bool ends_statements(StatementKind kind) noexcept;

// Of a text that holds one statement.
StatementEffect read_effect(StatementKind kind, ByteView statement, const TextRules& rules);

// Of all its statements, in their order, those without an effect included; empty when there is
// none with one.
StatementEffects read_effects(ByteView text, const TextRules& rules);

// The same with the values of a portal in the place of parameters.
std::vector<SettingChange> bind_parameters(const std::vector<SettingChange>& changes,
                                           const std::vector<std::optional<ByteView>>& values,
                                           const TextRules& rules);

// Whether CommandComplete's tag is what a statement of this kind gives.
bool is_tag_of(StatementKind kind, ByteView tag) noexcept;

// A statement has been answered with this tag, which is not that of the effect expected.
void apply_effect(SettingsJournal& journal, const StatementEffect& effect, ByteView tag,
                  const ParameterSet& reported);

// A text that is run on a server outside conversations, all of it with success: connect_query,
// server_reset_query. `reported` are the names that the server reports.
void apply_text(SettingsJournal& journal, ByteView text, const ParameterSet& reported);

// How a server reads the texts of a client with these parameters.
TextRules text_rules(const ParameterSet& parameters) noexcept;

}  // namespace remuda::session
