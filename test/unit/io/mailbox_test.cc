#include "io/mailbox.h"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/loop.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::mailbox_test {

TEST_CASE("letters of many threads are read in each sender's order", "[mailbox]") {
  constexpr int kSenders = 8;
  constexpr int kLetters = 2000;
  Loop loop;
  Mailbox mailbox(loop);
  std::array<int, kSenders> next{};
  int wrong = 0;
  int total = 0;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < kLetters; ++i) {
        auto owned = std::make_unique<int>(i);
        mailbox.post([&, sender, letter = std::move(owned)] {
          wrong += next[sender]++ != *letter;
          if (++total == kSenders * kLetters) mailbox.close();
        });
      }
    });
  }
  loop.run();
  for (auto& sender : senders) sender.join();
  CHECK(total == kSenders * kLetters);
  CHECK(wrong == 0);
}

TEST_CASE("a letter may post another to its own mailbox", "[mailbox]") {
  Loop loop;
  Mailbox mailbox(loop);
  std::string order;
  mailbox.post([&] {
    order += "a";
    mailbox.post([&] {
      order += "c";
      mailbox.close();
    });
    order += "b";
  });
  loop.run();
  CHECK(order == "abc");
}

namespace {

// Posts when it dies unread: what a letter with a destructor of consequence might do.
struct PostsAtEnd {
  Mailbox* mailbox;
  std::shared_ptr<int> ended;
  PostsAtEnd(Mailbox& its_mailbox, std::shared_ptr<int> its_ended)
      : mailbox(&its_mailbox), ended(std::move(its_ended)) {}
  PostsAtEnd(PostsAtEnd&& other) noexcept
      : mailbox(std::exchange(other.mailbox, nullptr)), ended(std::move(other.ended)) {}
  ~PostsAtEnd() {
    if (mailbox == nullptr) return;
    ++*ended;
    mailbox->post([] {});
  }
  void operator()() const { *ended += 100; }
};

}  // namespace

TEST_CASE("a closed mailbox drops letters, destroying them", "[mailbox]") {
  Loop loop;
  const auto ended = std::make_shared<int>(0);
  Mailbox mailbox(loop);
  CHECK(mailbox.post(PostsAtEnd(mailbox, ended)));
  mailbox.close();
  CHECK(*ended == 1);
  CHECK(!mailbox.post(PostsAtEnd(mailbox, ended)));
  CHECK(*ended == 2);
  mailbox.close();
  loop.run();
  CHECK(*ended == 2);
  CHECK(ended.use_count() == 1);
}

TEST_CASE("letters after the one that closes are not read", "[mailbox]") {
  Loop loop;
  Mailbox mailbox(loop);
  int read = 0;
  mailbox.post([&] {
    ++read;
    mailbox.close();
  });
  mailbox.post([&] { ++read; });
  loop.run();
  CHECK(read == 1);
}

TEST_CASE("closing while others post is safe", "[mailbox]") {
  Loop loop;
  for (int round = 0; round < 50; ++round) {
    Mailbox mailbox(loop);
    std::atomic<int> refused{0};
    std::vector<std::thread> senders;
    for (int sender = 0; sender < 4; ++sender) {
      senders.emplace_back([&] {
        while (mailbox.post([letter = std::make_unique<int>(1)] {})) {
        }
        ++refused;
      });
    }
    mailbox.post([&] { mailbox.close(); });
    loop.run();
    for (auto& sender : senders) sender.join();
    CHECK(refused == 4);
  }
}

TEST_CASE("two loops talk to each other", "[mailbox]") {
  Loop here;
  Mailbox to_here(here);
  int last = 0;
  std::atomic<Mailbox*> to_there{nullptr};
  std::thread other([&] {
    Loop there;
    Mailbox mailbox(there);
    to_there = &mailbox;
    there.run();
  });
  run_until(here, [&] { return to_there != nullptr; });
  struct Player {
    Mailbox& here;
    Mailbox& there;
    int& last;
    void serve(int n) {
      there.post([this, n] { here.post([this, n] { returned(n); }); });
    }
    void returned(int n) {
      last = n;
      if (n < 500) serve(n + 1);
    }
  };
  Player player{to_here, *to_there, last};
  player.serve(1);
  run_until(here, [&] { return last == 500; });
  Mailbox& there = *to_there;
  there.post([&there] { there.close(); });
  other.join();
}

}  // namespace remuda::io::mailbox_test
