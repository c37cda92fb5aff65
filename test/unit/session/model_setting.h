// One setting of a model of PostgreSQL: its value, and the stack of those it had, one entry per
// level of transaction that has changed it. Level 0 is outside transactions, 1 the transaction,
// more: savepoints. PostgreSQL manual, SET; after its own rules for values that transactions save.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace remuda::session::test {

class ModelSetting {
 public:
  ModelSetting() = default;
  explicit ModelSetting(std::string value) : value_(std::move(value)) {}

  const std::string& value() const { return value_; }

  void assign(const std::string& value, bool local, int level) {
    if (stack_.empty() || stack_.back().level < level) {
      stack_.push_back({level, local ? Saved::local : Saved::set, value_, {}});
    } else if (!local) {
      stack_.back().saved = Saved::set;
    } else if (stack_.back().saved == Saved::set) {
      stack_.back().masked = value_;
      stack_.back().saved = Saved::set_then_local;
    }
    value_ = value;
  }

  // The end of a level: of the transaction when it is 1.
  void end(int level, bool commits) {
    while (!stack_.empty() && stack_.back().level >= level) {
      Entry entry = stack_.back();
      if (!commits) {
        value_ = entry.prior;
      } else if (level == 1) {
        if (entry.saved == Saved::local) value_ = entry.prior;
        if (entry.saved == Saved::set_then_local) value_ = entry.masked;
      } else if (stack_.size() == 1 || stack_[stack_.size() - 2].level < level - 1) {
        --stack_.back().level;
        return;
      } else {
        merge(stack_[stack_.size() - 2], entry);
      }
      stack_.pop_back();
    }
  }

 private:
  enum class Saved { set, local, set_then_local };
  struct Entry {
    int level;
    Saved saved;
    std::string prior;
    std::string masked;
  };

  static void merge(Entry& outer, const Entry& inner) {
    if (inner.saved == Saved::set) {
      outer.saved = Saved::set;
    } else if (inner.saved == Saved::set_then_local) {
      outer.masked = inner.masked;
      outer.saved = Saved::set_then_local;
    } else if (outer.saved == Saved::set) {
      outer.masked = inner.prior;
      outer.saved = Saved::set_then_local;
    }
  }

  std::string value_;
  std::vector<Entry> stack_;
};

}  // namespace remuda::session::test
