// The versions we go by.
#pragma once

namespace remuda::proxy {

inline constexpr const char* kRemudaVersion = "0.1.0";
// The PgBouncer whose console, files and parameters we speak: what clients and dashboards look for.
inline constexpr const char* kPgBouncerVersion = "1.26.0";

}  // namespace remuda::proxy
