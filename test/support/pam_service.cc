#include "support/pam_service.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace remuda::test {
namespace {

constexpr const char* kFile = "/etc/pam.d/pgbouncer";
// By its first line a file is known that a killed test left behind.
constexpr const char* kMark = "# of the tests of remuda, to be removed";

// {dir} is filled in. pam_exec gives name and host as variables and the password as input.
constexpr const char* kScript = R"(#!/bin/sh
password=$(tr -d '\000')
echo "$PAM_RHOST" >>{dir}/hosts
case $PAM_USER in
  alice | locked) [ "$password" = "$PAM_USER-secret" ] ;;
  plain_user) [ "$password" = plain-secret ] ;;
  *) false ;;
esac
)";

std::string filled(std::string text, const std::string& dir) {
  const std::string marker = "{dir}";
  for (auto at = text.find(marker); at != text.npos; at = text.find(marker))
    text.replace(at, marker.size(), dir);
  return text;
}

}  // namespace

std::string PamService::obstacle() {
  if (geteuid() != 0) return "not root";
  if (!std::filesystem::is_directory("/etc/pam.d")) return "no /etc/pam.d";
  const std::string present = read_file(kFile);
  if (std::filesystem::exists(kFile) && present.rfind(kMark, 0) != 0) {
    return std::string(kFile) + " is somebody's";
  }
  return "";
}

PamService::PamService() {
  const std::string script = dir_.file("check.sh");
  write_file(script, filled(kScript, dir_.path()));
  if (chmod(script.c_str(), 0700) != 0) throw std::runtime_error("cannot chmod " + script);
  std::ofstream out(kFile, std::ios::trunc);
  out << kMark << "\nauth required pam_exec.so expose_authtok quiet " << script
      << "\naccount required pam_succeed_if.so quiet user != locked\n";
  if (!out.flush()) throw std::runtime_error(std::string("cannot write ") + kFile);
}

PamService::~PamService() {
  unlink(kFile);
}

}  // namespace remuda::test
