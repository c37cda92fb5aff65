#include "remuda/base/log.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include "remuda/base/error.h"
#include "support/catch.h"

namespace remuda::log::log_test {
namespace {

// Sends the log to a file of its own for the time of a test.
class LogFile {
 public:
  explicit LogFile(int verbose = 0) {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/remuda-log-XXXXXX";
    const int fd = mkstemp(path_.data());
    REQUIRE(fd >= 0);
    close(fd);
    options_.to_stderr = false;
    options_.verbose = verbose;
    options_.file = path_;
    configure(options_);
  }
  ~LogFile() {
    configure(Options());
    unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void reopen() { configure(options_); }

  std::string text() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::vector<std::string> lines() const {
    std::stringstream stream(text());
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }

 private:
  std::string path_;
  Options options_;
};

TEST_CASE("a line has time, zone, process, level and text") {
  LogFile file;
  info("C-{}: {}", 7, "login attempt");
  const std::regex wanted("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\S+ \\[" +
                          std::to_string(getpid()) + "\\] LOG C-7: login attempt\n");
  CHECK(std::regex_match(file.text(), wanted));
}

TEST_CASE("levels have the names that log readers know") {
  LogFile file(2);
  fatal("x");
  error("x");
  warning("x");
  info("x");
  debug("x");
  at(Level::noise, "x");
  const std::vector<std::string> lines = file.lines();
  const std::vector<std::string> names{"FATAL", "ERROR", "WARNING", "LOG", "DEBUG", "NOISE"};
  REQUIRE(lines.size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) CHECK(lines[i].ends_with("] " + names[i] + " x"));
}

TEST_CASE("verbosity opens one level after the other") {
  const auto written = [](int verbose) {
    LogFile file(verbose);
    CHECK(is_enabled(Level::log));
    CHECK(is_enabled(Level::debug) == (verbose >= 1));
    CHECK(is_enabled(Level::noise) == (verbose >= 2));
    info("x");
    debug("x");
    write(Level::noise, "x");
    return file.lines().size();
  };
  CHECK(written(0) == 1);
  CHECK(written(1) == 2);
  CHECK(written(2) == 3);
}

TEST_CASE("a line of the message cannot pass for a line of the log") {
  LogFile file;
  write(Level::log, "one\n2026-01-01 00:00:00.000 UTC [1] LOG forged");
  REQUIRE(file.lines().size() == 2);
  CHECK(file.lines()[1].starts_with("\t2026"));
}

TEST_CASE("a long message is cut") {
  LogFile file;
  write(Level::log, std::string(100000, 'x'));
  REQUIRE(file.lines().size() == 1);
  CHECK(file.text().size() > 2000);
  CHECK(file.text().size() < 2200);
}

TEST_CASE("a file that was moved away is opened anew") {
  LogFile file;
  info("before");
  const std::string moved = file.path() + ".1";
  REQUIRE(rename(file.path().c_str(), moved.c_str()) == 0);
  file.reopen();
  info("after");
  REQUIRE(file.lines().size() == 1);
  CHECK(file.lines()[0].ends_with("after"));
  unlink(moved.c_str());
}

TEST_CASE("a file that cannot be opened changes nothing") {
  LogFile file;
  Options broken;
  broken.verbose = 2;
  broken.file = file.path() + "/not-a-folder";
  CHECK_THROWS_AS(configure(broken), SystemError);
  info("still here");
  CHECK(file.lines().size() == 1);
  CHECK_FALSE(is_enabled(Level::debug));
}

TEST_CASE("lines of several threads stay whole") {
  LogFile file;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < 100; ++j) info("thread {} says {}", i, std::string(50, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::regex wanted(".*\\] LOG thread [0-3] says x{50}");
  REQUIRE(file.lines().size() == 400);
  for (const std::string& line : file.lines()) REQUIRE(std::regex_match(line, wanted));
}

}  // namespace
}  // namespace remuda::log::log_test
