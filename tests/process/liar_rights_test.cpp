// What the kernel lets each role write is what the liar's map says, no more and no less: with real
// users, a real group, and every file of channels in use.
#include "process/liar_round.hpp"
#include "process/liar_tricks.hpp"
#include "process/member.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace millrace::liar {
namespace {

namespace fs = std::filesystem;
using testing_support::Lifeline;
using testing_support::run_in_child;
using testing_support::SharedWords;

// The kind of file that a path of a domain means, as the map calls it.
std::string kind_of(const fs::path& path) {
  const std::string name = path.filename();
  const std::string parent = path.parent_path().filename();
  if (parent == "participants") return "participant";
  if (parent == "remembered") return "remembered";
  if (parent == "readers") return "reader";
  if (parent == "stamps") return "stamp";
  if (name.ends_with(".own")) return "lock of a lane";
  if (name.starts_with("lane-")) return "lane";
  if (name.starts_with("clock-")) return "clock";
  return name == "journal" ? "channel_journal" : name;
}

bool opens(const fs::path& path, int flags) {
  const Descriptor file(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
  return file.valid();
}

ChannelOptions options_for(Role liar) {
  ChannelOptions options;
  options.ring_bytes = 4096;
  options.lanes_max = 8;
  options.stamps = Stamps::all;
  options.mode = liar == Role::publisher ? 0660 : 0640;
  return options;
}

// Takes part in a plain channel, a durable one and one with one order, as far as its role goes.
class Part {
 public:
  // Empty, or why not.
  std::string take(const std::string& path, const std::string& name, bool publishes) {
    auto domain = Domain::open({.path = path, .participant = name});
    if (!domain) return std::string(domain.error().sentence());
    domain_.emplace(std::move(*domain));
    auto plain = domain_->find(kChannel);
    auto durable = domain_->find("kept");
    auto ordered = domain_->find("ordered");
    if (!plain || !durable || !ordered) return "a channel is missing";
    auto subscriber = plain->subscriber();
    if (!subscriber) return std::string(subscriber.error().sentence());
    plain_.emplace(std::move(*subscriber));
    auto remembered = durable->subscriber({.name = name, .remember = true});
    if (!remembered) return std::string(remembered.error().sentence());
    remembered_.emplace(std::move(*remembered));
    auto follower = ordered->subscriber();
    if (!follower) return std::string(follower.error().sentence());
    follower_.emplace(std::move(*follower));
    if (!publishes) return "";
    auto orderer = ordered->publisher({.name = name});
    if (!orderer) return std::string(orderer.error().sentence());
    orderer_.emplace(std::move(*orderer));
    auto publisher = plain->publisher({.name = name});
    if (!publisher) return std::string(publisher.error().sentence());
    publisher_.emplace(std::move(*publisher));
    return "";
  }

  [[nodiscard]] Domain& domain() { return *domain_; }

 private:
  std::optional<Domain> domain_;
  std::optional<Subscriber> plain_;
  std::optional<Subscriber> remembered_;
  std::optional<Subscriber> follower_;
  std::optional<Publisher> publisher_;
  std::optional<Publisher> orderer_;
};

class LiarRights : public ::testing::TestWithParam<Role> {
 protected:
  void SetUp() override {
    if (!has_own_rights()) GTEST_SKIP() << "only root can be two users";
    path_ = make_shared_domain(scratch_.path());
    victim_ = fork();
    if (victim_ == 0) {
      become_victim();
      words_[1].store(live_as_victim() ? 1 : 2);
      lifeline_.hold();
      _exit(0);
    }
    ASSERT_EQ(words_.await(1), 1U);
  }

  void TearDown() override {
    if (victim_ <= 0) return;
    kill(victim_, SIGKILL);
    waitpid(victim_, nullptr, 0);
  }

  [[nodiscard]] bool live_as_victim() {
    ChannelOptions options = options_for(GetParam());
    auto domain = Domain::open({.path = path_, .participant = "maker"});
    if (!domain || !domain->create(kChannel, options)) return false;
    options.order = Order::total;
    if (!domain->create("ordered", options)) return false;
    options.order = Order::lane;
    options.durable = true;
    options.journal = "/nowhere";
    return domain->create("kept", options) && part_.take(path_, "victim", true).empty();
  }

  // What the liar finds when it is there, too; empty: all is as it should be.
  [[nodiscard]] std::string look_as_liar() {
    const bool publishes = GetParam() == Role::publisher;
    if (auto wrong = part_.take(path_, "liar", publishes); !wrong.empty()) return wrong;
    std::set<std::string> writable;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      if (!entry.is_regular_file()) continue;
      const std::string kind = kind_of(entry.path());
      if (auto wrong = look_at(entry.path(), kind, writable); !wrong.empty()) return wrong;
    }
    for (const FilePlan& plan : file_plans()) {
      const bool planned = publishes ? plan.publisher : plan.subscriber;
      if (planned != writable.contains(plan.layout))
        return std::string(plan.layout) + (planned ? " cannot" : " can") + " be written";
    }
    return "";
  }

  // One file of the domain. Its own, or the one that belongs to all, may be written; nobody else's
  // can be cut, removed or replaced.
  static std::string look_at(const fs::path& path, const std::string& kind,
                             std::set<std::string>& writable) {
    struct stat status {};

    if (stat(path.c_str(), &status) != 0) return "";
    const bool own = status.st_uid == geteuid();
    const bool publishes = GetParam() == Role::publisher;
    const bool shared =
        kind == "doorbell" || (publishes && (kind == "lock of a lane" || kind == "order"));
    if (opens(path, O_RDWR)) writable.insert(kind);
    if (own) return "";
    if (opens(path, O_RDWR) != shared) return "somebody else's " + path.string();
    if (!shared && truncate(path.c_str(), 0) == 0) return "cut " + path.string();
    if (unlink(path.c_str()) == 0) return "removed " + path.string();
    if (rename(path.c_str(), (path.string() + "x").c_str()) == 0) return "moved " + path.string();
    if (!publishes && kind == "lock of a lane" && opens(path, O_RDONLY))
      return "a subscriber could lock " + path.string();
    return "";
  }

  testing_support::ScratchDirectory scratch_;
  SharedWords words_;
  Lifeline lifeline_;
  std::string path_;
  Part part_;
  pid_t victim_ = -1;
};

TEST_P(LiarRights, AreThoseOfTheMap) {
  const auto liar = run_in_child([&] {
    become_liar();
    return look_as_liar();
  });
  EXPECT_EQ(liar.said, "");
  EXPECT_EQ(liar.signal, 0);
}

INSTANTIATE_TEST_SUITE_P(Roles, LiarRights, ::testing::Values(Role::subscriber, Role::publisher),
                         [](const auto& role) { return std::string(to_string(role.param)); });

}  // namespace
}  // namespace millrace::liar
