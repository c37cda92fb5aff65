// Ownership of libuv handles. A handle dies in its close callback, not when its owner does: UvPtr
// unhooks it from the owner (data = nullptr) and asks libuv to close it. Loop thread only.
#pragma once

#include <uv.h>

#include <memory>

#include "remuda/base/error.h"

namespace remuda::io {

// Uv is a libuv handle type, or a struct that derives from one, `Base`.
template <class Uv, class Base = Uv>
struct UvClose {
  void operator()(Uv* uv) const noexcept {
    Base* base = uv;
    base->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(base),
             [](uv_handle_t* handle) { delete static_cast<Uv*>(reinterpret_cast<Base*>(handle)); });
  }
};

template <class Uv, class Base = Uv>
using UvPtr = std::unique_ptr<Uv, UvClose<Uv, Base>>;

// Makes a handle and initialises it by init(Uv*); a failure is thrown as SystemError naming `call`.
template <class Uv, class Base = Uv, class Init>
UvPtr<Uv, Base> make_uv(const char* call, Init&& init) {
  auto plain = std::make_unique<Uv>();
  const int error = init(plain.get());
  if (error != 0) throw SystemError(-error, call);
  return UvPtr<Uv, Base>(plain.release());
}

}  // namespace remuda::io
