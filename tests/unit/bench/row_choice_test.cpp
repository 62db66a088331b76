// Which rows a name stands for, what comes along with them, and how the time is shared.
#include "row_choice.hpp"

#include "bench_run.hpp"
#include "message_shape.hpp"
#include "slice_leader.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

TEST(RowChoice, ANameIsOneRowAndAKindIsAllOfIt) {
  const auto one = choose_rows({"stream/32"});
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->subjects.count(), 1U);
  EXPECT_TRUE(one->subjects[index(Subject::stream)]);
  const auto kind = choose_rows({"lanes"});
  ASSERT_TRUE(kind.has_value());
  EXPECT_EQ(kind->subjects.count(), 4U);
  EXPECT_TRUE(kind->asked_for("lanes/256"));
  EXPECT_FALSE(kind->asked_for("null/lanes"));
}

TEST(RowChoice, AllRowsAreThoseWithoutDefects) {
  const auto all = choose_rows({});
  ASSERT_TRUE(all.has_value());
  for (const SubjectInfo& one : kSubjectInfo)
    EXPECT_EQ(all->subjects[index(one.subject)], one.role == Role::row) << one.name;
  EXPECT_EQ(all->solo.size(), solo_rows().size());
}

TEST(RowChoice, APartOfANameIsNone) {
  for (const char* wrong : {"", "strea", "stream/3", "stream/32x", "round-trip/", "p99"})
    EXPECT_FALSE(choose_rows({wrong}).has_value()) << wrong;
}

TEST(RowChoice, ATailBelongsToItsRow) {
  const auto tail = choose_rows({"latency/poisson/p99"});
  ASSERT_TRUE(tail.has_value());
  EXPECT_TRUE(tail->subjects[index(Subject::poisson)]);
  EXPECT_TRUE(tail->asked_for("latency/poisson"));
  EXPECT_TRUE(tail->asked_for("latency/poisson/p99"));
}

TEST(Subjects, BringTheirBracketsVariantsAndNulls) {
  SubjectSet wanted;
  wanted.set(index(Subject::stream_batch));
  const SubjectSet set = subjects_with_company(wanted);
  for (const Subject one : {Subject::bare, Subject::bare_null, Subject::fixed, Subject::fixed_null,
                            Subject::boost_stream, Subject::sequencer, Subject::stream}) {
    EXPECT_TRUE(set[index(one)]) << info(one).name;
  }
  for (const Subject one : {Subject::copy_1k, Subject::lanes_1, Subject::futex, Subject::send})
    EXPECT_FALSE(set[index(one)]) << info(one).name;
}

TEST(Subjects, StandInTheTableInTheirOrderAndUnderNamesOfTheirOwn) {
  std::map<std::string, int> names;
  for (std::size_t at = 0; at < kSubjects; ++at) {
    EXPECT_EQ(index(kSubjectInfo[at].subject), at);
    ++names[kSubjectInfo[at].name];
  }
  for (const SoloRow& one : solo_rows())
    ++names[one.name];
  for (const auto& [name, count] : names)
    EXPECT_EQ(count, 1) << name;
}

TEST(Pace, TenRestartsShareAShortTimeAndALongOneHasMoreOfThem) {
  EXPECT_EQ(pace_of(5, 0).restarts, 10U);
  EXPECT_DOUBLE_EQ(pace_of(5, 0).seconds, 0.5);
  EXPECT_EQ(pace_of(40, 0).restarts, 10U);
  EXPECT_DOUBLE_EQ(pace_of(40, 0).seconds, 4);
  EXPECT_EQ(pace_of(160, 0).restarts, 40U);
  EXPECT_EQ(pace_of(12, 3).restarts, 3U);
  EXPECT_DOUBLE_EQ(pace_of(12, 3).seconds, 4);
}

// One row that met its goal in slices, and one that was counted.
Report judged_report() {
  Report report;
  for (const char* name : {"latency/poisson", "stream/32", "counted/stream-32"}) {
    Row row;
    row.name = name;
    row.has_goal = true;
    row.met = Met::no;
    row.state_bare_ns = row.name.starts_with("counted") ? 0 : 121;
    report.summary.rows.push_back(row);
  }
  return report;
}

TEST(Marks, RowsInSlicesAreNotJudgedWherePinningIsRefused) {
  Report report = judged_report();
  report.pinned = false;
  mark_rows(report, true);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_NE(report.notes[0].find("pinning"), std::string::npos);
  EXPECT_EQ(report.summary.rows[1].met, Met::inconclusive);
  EXPECT_EQ(report.summary.rows[1].marks, report.notes);
  EXPECT_EQ(report.summary.rows[2].met, Met::no);
  EXPECT_EQ(report.exit_code(), 1);
}

TEST(Marks, RowsWithStampsAreNotJudgedWithoutAnInvariantCounter) {
  Report report = judged_report();
  mark_rows(report, false);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_EQ(report.summary.rows[0].met, Met::inconclusive);
  EXPECT_TRUE(report.summary.rows[1].marks.empty());
}

TEST(Marks, AMachineThatIsAsItShouldBeHasNone) {
  Report report = judged_report();
  mark_rows(report, true);
  EXPECT_TRUE(report.notes.empty());
  for (const Row& row : report.summary.rows)
    EXPECT_EQ(row.met, Met::no);
}

TEST(QuoteLengths, AreThoseOfTheFileInAThousand) {
  QuoteLengths lengths;
  std::map<std::size_t, int> lines;
  double sum = 0;
  for (int line = 0; line < 1000; ++line) {
    const std::size_t length = lengths.next();
    ++lines[length];
    sum += static_cast<double>(length);
  }
  EXPECT_EQ(lines.begin()->first, 19U);
  EXPECT_EQ(lines.rbegin()->first, 25U);
  EXPECT_EQ(lines[23], 502);
  EXPECT_NEAR(sum / 1000, 22.34, 0.01);  // the file: 22.34 bytes a line
  EXPECT_LE(lines.rbegin()->first, QuoteLengths::kMost);
}

}  // namespace
}  // namespace millrace::bench
