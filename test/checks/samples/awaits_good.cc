// Awaits as they should be. Read by the check, never compiled.
#include <string>

Task<int> good(Loop& loop, Stream& stream, char* buffer) {
  co_await sleep_for(loop, 5);
  auto n = co_await stream.read_some(buffer, 10);
  const size_t more = co_await stream->peer().read_some(buffer + 1, sizeof(int[4]));
  std::vector<std::unique_ptr<int>> list = co_await make_list<int, char>(loop);
  Foo& foo = co_await find_foo("a { brace } in a ? string", '{', R"x({?)x");  // and { here ?
  if (n > 0) co_await stream.drained();
  for (int i = 0; i < 3; ++i) co_await good(loop, stream, buffer);
  if (n == 1) {
    co_return co_await f(n);
  } else {
    co_await g(std::move(list), std::string(3, 'x'), (n > 2));
  }
  switch (n) {
    case 1:
      co_await f(n);
      break;
    default:
      co_await g(n);
  }
  auto work = [&foo, n] { return foo.size() + n; };
  const auto result = co_await offload(loop, std::move(work));
  auto plain = [](Loop& l) -> Task<int> { co_return co_await f(l); };
  int table[3] = {1, 2, 3};
  table[0] = 7'000'000;
  co_await std::move(task);
  co_return result;
}

auto holder = [x] {
  auto inner = []() -> Task<void> { co_return; };
  return inner;
};
