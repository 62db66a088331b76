#include "measure.hpp"

#include "service.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace::rivals {

namespace {

constexpr double kBareSliceNs = 2e6;
constexpr double kRivalSliceNs = 15e6;

// The baseline: bare words, or Millrace itself in processes of its own.
struct Baseline {
  Pair* pair;
  OrderKind kind;
  double slice_ns;

  Result<Slice> slice() const { return pair->slice(kind, slice_ns); }
};

double half_of_both(double before, double after) {
  return (before + after) / 2;
}

class Restart {
 public:
  Restart(Pair& bare, Pair& subject, const RowInfo& row, Baseline base)
      : bare_(bare), subject_(subject), row_(row), base_(base) {}

  Result<RivalSample> sample() {
    const bool bare_is_base = row_.kind == OrderKind::round_trip;
    RivalSample made;
    Slice before;
    Slice after;
    if (auto done = into(made.bare_before_ns); !done) return Failure(done.error());
    if (!bare_is_base) {
      if (auto done = into(before); !done) return Failure(done.error());
    }
    auto slice = subject_.slice(row_.kind, kRivalSliceNs);
    if (!slice) return Failure(slice.error());
    made.slice = *slice;
    if (!bare_is_base) {
      if (auto done = into(after); !done) return Failure(done.error());
    }
    if (auto done = into(made.bare_after_ns); !done) return Failure(done.error());
    made.base_before_ns = bare_is_base ? made.bare_before_ns : before.median_ns;
    made.base_after_ns = bare_is_base ? made.bare_after_ns : after.median_ns;
    made.base_publish_ns = half_of_both(before.publish_ns, after.publish_ns);
    return made;
  }

 private:
  Result<void> into(double& bare_ns) {
    auto slice = bare_.slice(OrderKind::round_trip, kBareSliceNs);
    if (!slice) return Failure(slice.error());
    bare_ns = slice->median_ns;
    return {};
  }

  Result<void> into(Slice& base) {
    auto slice = base_.slice();
    if (!slice) return Failure(slice.error());
    base = *slice;
    return {};
  }

  Pair& bare_;
  Pair& subject_;
  const RowInfo& row_;
  Baseline base_;
};

Result<std::vector<RivalSample>> samples_of(Restart& restart, double seconds) {
  std::vector<RivalSample> samples;
  const auto began = std::chrono::steady_clock::now();
  const std::chrono::duration<double> time(seconds);
  do {
    auto sample = restart.sample();
    if (!sample) return Failure(sample.error());
    samples.push_back(*sample);
  } while (std::chrono::steady_clock::now() - began < time);
  return samples;
}

}  // namespace

Result<std::vector<RivalSample>> measure(Ground& ground, const RivalInfo& rival, const RowInfo& row,
                                         double seconds, std::uint32_t number) {
  auto service = start_service(ground, rival);
  if (!service) return Failure(service.error());
  auto bare = Pair::start_bare(ground);
  if (!bare) return Failure(bare.error());
  std::optional<Pair> own;  // Millrace, where it is the baseline
  if (row.is_rate()) {
    auto started = Pair::start(ground, *find_rival("millrace"), row);
    if (!started) return Failure(started.error());
    own.emplace(std::move(*started));
  }
  auto subject = Pair::start(ground, rival, row);
  if (!subject) return Failure(subject.error());
  const Baseline base{own ? &*own : &*bare, row.kind, kRivalSliceNs};
  const double warm = std::max(rival.warm_seconds, 0.2);
  if (auto done = bare->warm_up(OrderKind::round_trip, kBareSliceNs, 0.05); !done)
    return Failure(done.error());
  if (auto done = base.pair->warm_up(base.kind, base.slice_ns, 0.1); !done)
    return Failure(done.error());
  if (auto done = subject->warm_up(row.kind, kRivalSliceNs, warm); !done)
    return Failure(done.error());
  Restart restart(*bare, *subject, row, base);
  auto samples = samples_of(restart, seconds);
  if (!samples) return samples;
  for (RivalSample& one : *samples) {
    one.rival = &rival;
    one.row = &row;
    one.restart = number;
  }
  return samples;
}

}  // namespace millrace::rivals
