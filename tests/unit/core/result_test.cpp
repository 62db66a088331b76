// What a refusal looks like to a program (the code) and to a person (the sentence).
#include "millrace/core/result.hpp"

#include <array>
#include <cerrno>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::EndsWith;
using testing::StartsWith;

Result<int> refused(std::string_view what) {
  return fail(Errc::not_found, "no channel \"%.*s\": start its publisher",
              static_cast<int>(what.size()), what.data());
}

TEST(Result, CarriesTheCodeAndTheSentenceOfARefusal) {
  const Result<int> result = refused("prices");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), Errc::not_found);
  EXPECT_EQ(result.error().sentence(), "no channel \"prices\": start its publisher");
  EXPECT_EQ(result.error().os_error(), 0);
  EXPECT_EQ(result.error().lost(), 0U);
}

TEST(Result, CutsASentenceThatIsTooLongAndNothingElse) {
  const std::string name(1000, 'x');
  const Error error = refused(name).error();
  EXPECT_EQ(error.sentence().size(), Error::kSentenceBytes - 1);
  EXPECT_THAT(std::string(error.sentence()), StartsWith("no channel \"xxx"));
  EXPECT_EQ(error.sentence().find('\0'), std::string_view::npos);
}

TEST(Result, KeepsASentenceThatJustFits) {
  const std::string text(Error::kSentenceBytes - 1, 'y');
  const Failure failure = fail(Errc::full, "%s", text.c_str());
  EXPECT_EQ(failure.error().sentence(), text);
}

TEST(Result, CutsTheReasonOfTheSystemWhenTheSentenceLeavesNoRoom) {
  const std::string text(Error::kSentenceBytes - 5, 'z');
  const Failure failure = fail_os(ENOENT, "%s", text.c_str());
  EXPECT_EQ(failure.error().sentence(), text + ": No");
}

TEST(Result, AppendsTheReasonOfTheSystem) {
  const Failure failure = fail_os(ENOSPC, "lane-%d of \"%s\"", 3, "prices");
  EXPECT_EQ(failure.error().os_error(), ENOSPC);
  EXPECT_THAT(std::string(failure.error().sentence()), StartsWith("lane-3 of \"prices\": "));
  EXPECT_THAT(std::string(failure.error().sentence()), EndsWith("No space left on device"));
}

TEST(Result, ChoosesTheCodeFromTheErrno) {
  const std::array<std::pair<int, Errc>, 17> table{{{EACCES, Errc::no_permission},
                                                    {EPERM, Errc::no_permission},
                                                    {EROFS, Errc::no_permission},
                                                    {ENOSPC, Errc::no_space},
                                                    {ENOMEM, Errc::no_space},
                                                    {EDQUOT, Errc::no_space},
                                                    {ENOENT, Errc::not_found},
                                                    {ENOTDIR, Errc::not_found},
                                                    {EEXIST, Errc::exists},
                                                    {EMFILE, Errc::too_many},
                                                    {ENFILE, Errc::too_many},
                                                    {ENOSYS, Errc::unsupported},
                                                    {EOPNOTSUPP, Errc::unsupported},
                                                    {EINVAL, Errc::bad_argument},
                                                    {ENAMETOOLONG, Errc::bad_argument},
                                                    {EIO, Errc::system},
                                                    {EINTR, Errc::system}}};
  for (const auto& [os_error, code] : table) {
    EXPECT_EQ(fail_os(os_error, "x").error().code(), code) << os_error;
  }
}

TEST(Result, GivesEveryCodeANameOfItsOwn) {
  std::set<std::string> names;
  for (std::uint16_t number = 0; number < 200; ++number) {
    const std::string name = to_string(static_cast<Errc>(number));
    if (name == "unknown") continue;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_GE(names.size(), 20U);
  EXPECT_EQ(names.count("no_space"), 1U);
  EXPECT_STREQ(to_string(static_cast<Errc>(0)), "unknown");
}

TEST(Result, CountsTheLostMessagesInACopyAndLeavesTheOriginalAlone) {
  const Error error = fail(Errc::overrun, "lapped").error();
  const Error counted = error.with_lost(41);
  EXPECT_EQ(counted.lost(), 41U);
  EXPECT_EQ(counted.code(), Errc::overrun);
  EXPECT_EQ(counted.sentence(), "lapped");
  EXPECT_EQ(error.lost(), 0U);
}

}  // namespace
}  // namespace millrace
