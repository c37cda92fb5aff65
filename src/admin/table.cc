#include "admin/table.h"

#include <algorithm>

#include "remuda/base/error.h"

namespace remuda::admin {
namespace {

wire::Value printed(const Cell& cell) {
  if (const auto* value = std::get_if<int64_t>(&cell)) return std::to_string(*value);
  if (const auto* value = std::get_if<std::string>(&cell)) return *value;
  return std::nullopt;
}

int64_t number_of(const Cell& cell) {
  const auto* value = std::get_if<int64_t>(&cell);
  return value ? *value : 0;
}

}  // namespace

void Table::add(Row row) {
  REMUDA_CHECK(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

void Table::add(std::vector<Row> rows) {
  for (Row& row : rows) add(std::move(row));
}

void Table::keep(std::string_view column, const std::string& value) {
  if (value.empty()) return;
  const auto at = std::find_if(columns_.begin(), columns_.end(),
                               [column](const Column& c) { return column == c.name; });
  REMUDA_CHECK(at != columns_.end());
  const auto index = static_cast<size_t>(at - columns_.begin());
  std::erase_if(rows_, [&](const Row& row) { return row[index] != text(value); });
}

bool Table::is_before(const Row& a, const Row& b) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].merge == Merge::key && a[i] != b[i]) return a[i] < b[i];
  }
  return false;
}

bool Table::same_keys(const Row& a, const Row& b) const {
  return !is_before(a, b) && !is_before(b, a);
}

void Table::merge_into(Row& into, Row& row) const {
  int winner = 0;  // of the last `max` column: the sign of new minus old
  for (size_t i = 0; i < columns_.size(); ++i) {
    const int64_t old_number = number_of(into[i]);
    const int64_t new_number = number_of(row[i]);
    switch (columns_[i].merge) {
      case Merge::key:
        break;
      case Merge::sum:
        into[i] = old_number + new_number;
        break;
      case Merge::max:
        winner = (new_number > old_number) - (new_number < old_number);
        into[i] = std::max(old_number, new_number);
        break;
      case Merge::follow:
        if (winner > 0 || (winner == 0 && new_number > old_number)) into[i] = new_number;
        break;
      case Merge::first:
        if (into[i].index() == 0) into[i] = std::move(row[i]);
        break;
    }
  }
}

void Table::merge() {
  const auto is_key = [](const Column& column) { return column.merge == Merge::key; };
  if (std::none_of(columns_.begin(), columns_.end(), is_key)) return;
  std::stable_sort(rows_.begin(), rows_.end(),
                   [this](const Row& a, const Row& b) { return is_before(a, b); });
  std::vector<Row> merged;
  for (Row& row : rows_) {
    if (merged.empty() || !same_keys(merged.back(), row)) {
      merged.push_back(std::move(row));
    } else {
      merge_into(merged.back(), row);
    }
  }
  rows_ = std::move(merged);
}

std::string Table::messages() const {
  std::string out;
  std::vector<wire::Column> described;
  for (const Column& column : columns_) described.push_back({column.name, column.type});
  wire::row_description(out, described);
  std::vector<wire::Value> values(columns_.size());
  for (const Row& row : rows_) {
    std::transform(row.begin(), row.end(), values.begin(), printed);
    wire::data_row(out, values);
  }
  wire::command_complete(out, "SHOW");
  return out;
}

}  // namespace remuda::admin
