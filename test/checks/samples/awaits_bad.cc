// Awaits as they must not be: each marked line is to be reported. Read by the check, never
// compiled.
Task<int> bad(Loop& loop, Stream& stream, int n) {
  if (co_await f(n)) co_return 1;  // bad
  while (co_await f(n)) {          // bad
  }
  switch (co_await f(n)) {  // bad
  }
  for (int i = 0; i < co_await f(i); ++i) {  // bad
  }
  n = co_await f(n);                          // bad
  n += co_await f(n);                         // bad
  stream.n = co_await f(n);                   // bad
  use(co_await f(n));                         // bad
  auto sum = 1 + co_await f(n);               // bad
  auto more = co_await f(n) + 1;              // bad
  auto field = co_await (f(n)).x;             // bad
  auto both = co_await f(n) + co_await f(n);  // bad
  co_await Operation{n};                      // bad
  co_await task;                              // bad
  co_await f({n, 2});                         // bad
  co_await f(Pair{n, 2});                     // bad
  co_await f(Pair(n, 2));                     // bad
  co_await f(n > 0 ? a : b);                  // bad
  co_await f(n, [&] { return n; });           // bad
  auto listed = Pair{co_await f(n), 2};       // bad
  auto [a, b] = co_await f(n);                // bad
  !co_await f(n);                             // bad
  co_return co_await f(n) + 1;                // bad
  co_return 1 + co_await f(n);                // bad
  if (auto x = co_await f(n); x > 1) {        // bad
  }
  auto root = [&loop]() -> Task<void> { co_return; };  // bad
  auto other = [n](Loop& l) mutable -> Task<int> {     // bad
    co_return co_await f(l, n);
  };
  co_return 0;
}
