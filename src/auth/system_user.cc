#include "auth/system_user.h"

#include <pwd.h>

#include <vector>

namespace remuda::auth {
namespace {

constexpr size_t kLongestEntry = 64 * 1024;

std::string look_up(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> text(kLongestEntry);
  if (::getpwuid_r(uid, &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
    return "";
  return found->pw_name;
}

}  // namespace

io::Task<std::string> system_user_name(io::Loop& loop, io::OffloadLimit& limit, uid_t uid) {
  auto work = [uid] { return look_up(uid); };
  co_return co_await io::offload(loop, work, &limit);
}

}  // namespace remuda::auth
