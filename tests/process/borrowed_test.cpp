// A reader file is as alive as the participant that it is named after. Another user may make one in
// the name of a publisher itself; were it believed, it would be waited for long after its maker.
#include "process/liar_round.hpp"
#include "process/liar_tricks.hpp"
#include "process/member.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <filesystem>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::liar {
namespace {

using testing_support::run_in_child;

class Borrowed : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_own_rights()) GTEST_SKIP() << "only root can be two users";
    plan_.domain = make_shared_domain(scratch_.path());
    ASSERT_TRUE(make_channel(plan_, Role::subscriber));
  }

  [[nodiscard]] std::string readers() const { return plan_.domain + "/" + kChannel + "/readers/"; }

  // As the liar: a reader of its own, copied under every name in participants/.
  [[nodiscard]] std::string borrow() const {
    become_liar();
    auto domain = Domain::open({.path = plan_.domain, .participant = "liar"});
    auto channel = domain->find(kChannel);
    if (!channel) return std::string(channel.error().sentence());
    auto subscriber = channel->subscriber({.from = From::oldest()});
    if (!subscriber) return std::string(subscriber.error().sentence());
    const auto own = names_in(readers());
    if (own.size() != 1) return "not one reader";
    for (const std::string& name : names_in(plan_.domain + "/participants"))
      std::filesystem::copy_file(readers() + own.front(), readers() + name + ".77");
    return "";
  }

  testing_support::ScratchDirectory scratch_;
  RoundPlan plan_;
};

TEST_F(Borrowed, NamesOfOthersMakeNoReader) {
  const auto victim = run_in_child([&]() -> std::string {
    const pid_t self = getpid();
    testing_support::SharedWords words;
    const pid_t liar = fork();  // before this process enters the domain
    if (liar == 0) {
      words.await(0);
      const std::string wrong = borrow();
      _exit(wrong.empty() && getppid() == self ? 0 : 1);
    }
    become_victim();
    const auto domain = Domain::open({.path = plan_.domain, .participant = "victim"});
    auto publisher = domain->find(kChannel)->publisher();
    if (!publisher) return std::string(publisher.error().sentence());
    words[0].store(1);
    int status = 0;
    waitpid(liar, &status, 0);
    if (status != 0) return "the liar failed";
    const std::string text(100, 'x');
    for (int i = 0; i < 500; ++i) {
      // The liar's own reader is dropped by its proven death.
      const auto sent =
          publisher->send_for(std::chrono::seconds(5), std::as_bytes(std::span(text)));
      if (!sent) return std::string(sent.error().sentence());
    }
    return "";
  });
  EXPECT_EQ(victim.said, "");
  EXPECT_EQ(victim.signal, 0);
}

// Its file would belong to another user than its participant, and nobody would wait for it.
TEST_F(Borrowed, IsWhatASubscriberIsNotThatBecameAnotherUser) {
  const auto child = run_in_child([&]() -> std::string {
    auto domain =
        Domain::open({.path = plan_.domain, .participant = "changing", .trusted_uid = 61'001});
    auto channel = domain->find(kChannel);
    if (!channel) return std::string(channel.error().sentence());
    { const auto subscriber = channel->subscriber(); }
    become_victim();
    const auto refused = channel->subscriber();
    if (refused) return "it was let in";
    return std::string(refused.error().sentence());
  });
  EXPECT_THAT(child.said, ::testing::HasSubstr("open the domain anew"));
}

}  // namespace
}  // namespace millrace::liar
