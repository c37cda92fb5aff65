// Who of our threads goes first when they want the same core: the loops, on which queries wait,
// before the thread pool, which computes logins. Called by the thread itself. Where the kernel
// refuses, the order is its own; that is no error.
#pragma once

namespace remuda::io {

// For a loop's thread: it runs at once when it wakes, for short times.
void run_promptly() noexcept;

// For a thread of the pool: it runs when no loop wants to, but goes on all the same.
void give_way() noexcept;

}  // namespace remuda::io
