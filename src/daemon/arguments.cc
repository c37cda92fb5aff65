#include "daemon/arguments.h"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <uv.h>

#include "proxy/version.h"

namespace remuda::daemon {
namespace {

// One option: its letter and long name, and what it does to the result.
struct Option {
  char letter;
  const char* name;
  bool takes_value;
  void (*apply)(Arguments&, const std::string& value);
};

constexpr Option kOptions[] = {
    {'d', "daemon", false, [](Arguments& a, const std::string&) { a.background = true; }},
    {'q', "quiet", false, [](Arguments& a, const std::string&) { a.quiet = true; }},
    {'v', "verbose", false, [](Arguments& a, const std::string&) { ++a.verbose; }},
    {'u', "user", true, [](Arguments& a, const std::string& value) { a.user = value; }},
    {'V', "version", false,
     [](Arguments& a, const std::string&) { a.action = Action::print_version; }},
    {'h', "help", false, [](Arguments& a, const std::string&) { a.action = Action::print_help; }},
    {'\0', "check-config", true,
     [](Arguments& a, const std::string& value) {
       if (a.action == Action::run) a.action = Action::check_config;
       a.config = value;
     }},
};

const Option* find_option(const std::string& name) {
  for (const Option& option : kOptions) {
    if (name == option.name || (name.size() == 1 && name[0] == option.letter)) return &option;
  }
  return nullptr;
}

// Walks over the words; each step takes one option with its value, or a file name.
class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {}

  Arguments parse() {
    while (at_ < words_.size() && result_.error.empty()) {
      const std::string& word = words_[at_++];
      if (word.starts_with("--") && word.size() > 2) {
        take_long(word.substr(2));
      } else if (word.starts_with("-") && word.size() > 1) {
        take_letters(word.substr(1));
      } else {
        files_.push_back(word);
      }
    }
    return finish();
  }

 private:
  void take_long(const std::string& text) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const Option* option = name.size() > 1 ? find_option(name) : nullptr;
    if (option == nullptr) return fail(fmt::format("unrecognized option '--{}'", name));
    if (!option->takes_value) return option->apply(result_, "");
    if (equals != std::string::npos) return option->apply(result_, text.substr(equals + 1));
    take_next_as_value(*option, "--" + name);
  }

  void take_letters(const std::string& letters) {
    for (size_t i = 0; i < letters.size(); ++i) {
      const Option* option = find_option(letters.substr(i, 1));
      if (option == nullptr) return fail(fmt::format("invalid option -- '{}'", letters[i]));
      if (!option->takes_value) {
        option->apply(result_, "");
      } else if (i + 1 < letters.size()) {
        return option->apply(result_, letters.substr(i + 1));
      } else {
        return take_next_as_value(*option, fmt::format("-{}", letters[i]));
      }
    }
  }

  void take_next_as_value(const Option& option, const std::string& shown) {
    if (at_ == words_.size()) return fail(fmt::format("option '{}' requires an argument", shown));
    option.apply(result_, words_[at_++]);
  }

  void fail(std::string error) {
    result_.action = Action::fail;
    result_.error = std::move(error);
  }

  Arguments finish() {
    if (result_.action != Action::run) return result_;
    if (files_.size() != 1) {
      fail("no configuration file specified");
    } else {
      result_.config = files_[0];
    }
    return result_;
  }

  const std::vector<std::string>& words_;
  std::vector<std::string> files_;
  size_t at_ = 0;
  Arguments result_;
};

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words) {
  return Parser(words).parse();
}

std::string help_text(const std::string& program) {
  return fmt::format(
      "{0} pools PostgreSQL connections.\n"
      "\n"
      "Usage: {0} [OPTION]... CONFIG\n"
      "       {0} --check-config CONFIG\n"
      "\n"
      "  -d, --daemon              run in the background (needs pidfile in CONFIG)\n"
      "  -q, --quiet               write nothing to the terminal; logfile and syslog go on\n"
      "  -u, --user=NAME           become this system user; wins over the setting of that name\n"
      "  -v, --verbose             log more; twice, still more\n"
      "      --check-config FILE   print every fault of a configuration; exit 1 if there is any\n"
      "  -V, --version             print the version\n"
      "  -h, --help                print this\n"
      "\n"
      "CONFIG is a pgbouncer.ini or a remuda.ini; etc/remuda.ini explains every setting.\n"
      "Look inside:  psql -p 6432 pgbouncer -c 'SHOW POOLS'   (as a user in admin_users)\n"
      "Signals:      HUP reload, INT stop when servers are free, TERM stop when clients have "
      "left,\n"
      "              QUIT stop at once, USR1 pause, USR2 resume\n",
      program);
}

std::string version_text() {
  return fmt::format("PgBouncer {}\nremuda {}\nlibuv {}\nadns: libuv\ntls: {}\nsystemd: yes\n",
                     proxy::kPgBouncerVersion, proxy::kRemudaVersion, uv_version_string(),
                     OpenSSL_version(OPENSSL_VERSION));
}

}  // namespace remuda::daemon
