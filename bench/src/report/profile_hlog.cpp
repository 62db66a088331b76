#include "millrace/bench/hlog.hpp"
#include "millrace/bench/profile_report.hpp"
#include "millrace/core/clock.hpp"

namespace millrace::bench {

Result<std::string> profile_hlog(const ProfileRun& run, const LoadPicture& picture) {
  double seconds = 0;
  for (const LoadEvidence& one : run.load) {
    for_each_slice(one, SliceKind::load, [&](const LoadSlice& slice) {
      seconds += static_cast<double>(slice.end_ns - slice.begin_ns) / 1e9;
    });
  }
  std::vector<HlogRow> rows;
  const auto add = [&](const char* tag, const LoadPicture::Bytes& bytes) {
    rows.push_back({tag, 0, seconds, HistogramView(*bytes)});
  };
  add("from_intended", picture.from_intended);
  add("from_publish", picture.from_publish);
  for (std::size_t part = 0; part < kParts; ++part)
    add(kPartNames[part], picture.parts[part]);
  if (!run.options.plan.journal.empty()) add("durable", picture.durable);
  const auto age_ns = static_cast<std::uint64_t>(run.seconds * 1e9);
  return hlog_text(wall_ns() - age_ns, "millrace profile " + to_string(run.options.plan.shape),
                   rows);
}

}  // namespace millrace::bench
