// The result of a SHOW: named columns, and rows that may come from several workers and become one
// list by each column's rule. Plain values; rows are made on any thread and meet on the control
// loop.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admin/gather.h"
#include "io/task.h"
#include "remuda/wire/builder.h"

namespace remuda::admin {

// NULL, a number, or text.
using Cell = std::variant<std::monostate, int64_t, std::string>;
using Row = std::vector<Cell>;

template <class Integer>
Cell number(Integer value) {
  return Cell(static_cast<int64_t>(value));
}
inline Cell text(std::string_view value) {
  return Cell(std::string(value));
}
inline Cell null() {
  return Cell();
}
inline Cell text_or_null(const std::optional<std::string>& value) {
  return value ? text(*value) : null();
}

// What becomes of a column when rows with equal keys are made one.
enum class Merge : uint8_t {
  key,     // equal in all of them; rows are sorted by their keys, from left to right
  sum,     // numbers
  max,     // numbers
  follow,  // numbers: belongs to the column on its left, and comes from the row that won there
  first,   // of any of them, the first that is not NULL
};

struct Column {
  const char* name;
  uint32_t type;  // wire::oid
  Merge merge = Merge::first;
};

class Table {
 public:
  // The columns must outlive the table.
  explicit Table(std::span<const Column> columns) : columns_(columns) {}

  // A cell for each column.
  void add(Row row);
  void add(std::vector<Row> rows);
  // Only rows that have this text in this column stay; all of them if it is empty.
  void keep(std::string_view column, const std::string& value);
  // Sorts by the keys and makes rows with equal keys one. Without key columns, nothing changes.
  void merge();

  const std::vector<Row>& rows() const noexcept { return rows_; }
  // RowDescription, DataRow messages, CommandComplete with the tag SHOW.
  std::string messages() const;

 private:
  bool is_before(const Row& a, const Row& b) const;
  bool same_keys(const Row& a, const Row& b) const;
  void merge_into(Row& into, Row& row) const;

  std::span<const Column> columns_;
  std::vector<Row> rows_;
};

// The rows of all workers, not yet merged. `rows_of(Worker&)` runs on the worker's thread.
template <class F>
io::Task<Table> gather_table(Control& control, std::span<const Column> columns, F rows_of) {
  std::vector<std::vector<Row>> parts = co_await gather(control, rows_of);
  Table table(columns);
  for (std::vector<Row>& part : parts) table.add(std::move(part));
  co_return table;
}

}  // namespace remuda::admin
