// A secret kept in a file of its own, so that the configuration can be shown around. Read when the
// configuration is; any thread. What the file holds gets into no message.
#pragma once

#include <string>
#include <vector>

namespace remuda::config {

constexpr size_t kMaxSecret = 65530;

// Into `secret`, without one line end behind it. Returns what is wrong ("cannot read FILE: why",
// "FILE is empty", ...), else nothing. That others can read the file is added to `messages`.
std::string read_secret_file(const std::string& path, std::string& secret,
                             std::vector<std::string>& messages);

// Whether any user of the system may read the file. False when there is none.
bool is_readable_by_all(const std::string& path);

}  // namespace remuda::config
