// Who may publish (w) and who may subscribe (r), by the bits of the channel's mode.
#include "support/channel_fixture.hpp"
#include "support/child_process.hpp"

#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {
namespace {

using testing_support::code_of;
using testing_support::next_text;
using testing_support::run_in_child;
using testing_support::said;

class Rights : public testing_support::ChannelTest {
 protected:
  // What somebody of no rights of his own can do: "sp" subscribe and publish, "-" neither.
  std::string a_stranger_may(std::uint32_t mode) {
    ChannelOptions options;
    options.mode = mode;
    const Channel channel =
        domain_.channel(std::string("m").append(std::to_string(mode)), options).value();
    Publisher source = publisher(channel);
    const auto child = run_in_child([&]() -> std::string {
      if (!testing_support::become_nobody()) return "not root";
      DomainOptions where;
      where.path = scratch_ / "domain";
      where.create = false;
      auto domain = Domain::open(where);
      if (!domain) return "domain: " + said(domain);
      const auto found = domain->find(std::string("m").append(std::to_string(mode)));
      if (!found) return code_of(found) == Errc::no_permission ? "-" : said(found);
      std::string can;
      const auto reader = found->subscriber();
      if (reader) can += 's';
      if (!reader && code_of(reader) != Errc::no_permission) return said(reader);
      const auto writer = found->publisher();
      if (writer) can += 'p';
      if (!writer && code_of(writer) != Errc::no_permission) return said(writer);
      return can.empty() ? "-" : can;
    });
    EXPECT_EQ(child.signal, 0);
    return child.said;
  }
};

TEST_F(Rights, AreThoseOfTheMode) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to play two users";
  ASSERT_EQ(chmod(scratch_.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod((scratch_ / "domain").c_str(), 01777), 0);
  { const Channel entered = channel(); }
  ASSERT_EQ(chmod((scratch_ / "domain/participants").c_str(), 01777), 0);
  EXPECT_EQ(a_stranger_may(0600), "-");
  EXPECT_EQ(a_stranger_may(0660), "-");
  EXPECT_EQ(a_stranger_may(0640), "-");
  EXPECT_EQ(a_stranger_may(0644), "s");
  EXPECT_EQ(a_stranger_may(0666), "sp");
}

}  // namespace
}  // namespace millrace
