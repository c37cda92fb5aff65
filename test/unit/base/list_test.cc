#include "remuda/base/list.h"

#include <vector>

#include "support/catch.h"

namespace remuda::list_test {
namespace {

struct Waiting;
struct Aging;

struct Element : ListHook<Waiting>, ListHook<Aging> {
  explicit Element(int n) : number(n) {}
  int number;
};

using WaitingList = List<Element, Waiting>;
using AgingList = List<Element, Aging>;

template <class AnyList>
std::vector<int> numbers(AnyList& list) {
  std::vector<int> out;
  for (Element& element : list) out.push_back(element.number);
  return out;
}

TEST_CASE("a new list is empty") {
  WaitingList list;
  CHECK(list.empty());
  CHECK(list.size() == 0);
  CHECK(list.begin() == list.end());
}

TEST_CASE("elements keep their order at both ends") {
  Element one(1), two(2), three(3);
  WaitingList list;
  list.push_back(two);
  list.push_back(three);
  list.push_front(one);
  CHECK(numbers(list) == std::vector{1, 2, 3});
  CHECK(list.size() == 3);
  CHECK(list.front().number == 1);
  CHECK(list.back().number == 3);
  for (Element* element : {&one, &two, &three}) list.erase(*element);
}

TEST_CASE("an element leaves from anywhere and may come back") {
  Element one(1), two(2), three(3);
  WaitingList list;
  for (Element* element : {&one, &two, &three}) list.push_back(*element);
  list.erase(two);
  CHECK(numbers(list) == std::vector{1, 3});
  list.erase(one);
  list.erase(three);
  CHECK(list.empty());
  list.push_back(two);
  CHECK(numbers(list) == std::vector{2});
  list.erase(two);
}

TEST_CASE("a hook knows whether it is in a list") {
  Element one(1);
  WaitingList list;
  const ListHook<Waiting>& hook = one;
  CHECK_FALSE(hook.is_linked());
  list.push_back(one);
  CHECK(hook.is_linked());
  list.erase(one);
  CHECK_FALSE(hook.is_linked());
}

TEST_CASE("an element can be in a list of each tag") {
  Element one(1), two(2);
  WaitingList waiting;
  AgingList aging;
  waiting.push_back(one);
  waiting.push_back(two);
  aging.push_back(two);
  aging.push_back(one);
  CHECK(numbers(waiting) == std::vector{1, 2});
  CHECK(numbers(aging) == std::vector{2, 1});
  waiting.erase(one);
  CHECK(numbers(aging) == std::vector{2, 1});
  waiting.erase(two);
  aging.erase(one);
  aging.erase(two);
}

TEST_CASE("the current element may be removed once the iterator has gone on") {
  Element one(1), two(2), three(3);
  WaitingList list;
  for (Element* element : {&one, &two, &three}) list.push_back(*element);
  for (auto at = list.begin(); at != list.end();) {
    Element& element = *at;
    ++at;
    if (element.number != 2) list.erase(element);
  }
  CHECK(numbers(list) == std::vector{2});
  list.erase(two);
}

}  // namespace
}  // namespace remuda::list_test
