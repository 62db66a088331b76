#include "run_result.hpp"

#include "millrace/core/histogram.hpp"
#include "run_checksum.hpp"
#include "run_figures.hpp"

#include <algorithm>

namespace millrace::tools {
namespace {

RunLane lane_of(const RunPage& page, std::uint32_t number) {
  const PublisherWords& words = page.publisher(number);
  RunLane lane;
  lane.publisher = number;
  lane.lane = words.lane;
  lane.published = words.published.load(std::memory_order_relaxed);
  lane.bytes = words.bytes.load(std::memory_order_relaxed);
  lane.complete =
      has_reached(words.child, RunPhase::publish) && words.lane < page.settings().publishers;
  if (lane.complete) lane.checksum = words.checksum;
  return lane;
}

// What differs between a lane as it was published and as one subscriber got it.
class LaneCheck {
 public:
  LaneCheck(const RunLane& lane, const LaneTally& tally, std::uint32_t subscriber, bool lossless)
      : lane_(lane), tally_(tally), subscriber_(subscriber), lossless_(lossless) {}

  void run(std::vector<std::string>& errors) {
    content_ok_ = tally_.wrong == 0 && tally_.repeated == 0;
    if (tally_.received + tally_.lost != lane_.published) {
      say(errors, grouped(tally_.received) + " received and " + grouped(tally_.lost) +
                      " lost are not the " + grouped(lane_.published) + " published");
    }
    if (lossless_ && tally_.lost != 0) say(errors, grouped(tally_.lost) + " lost");
    if (tally_.repeated != 0) say(errors, grouped(tally_.repeated) + " received twice");
    if (tally_.wrong != 0) say(errors, grouped(tally_.wrong) + " damaged");
    const bool differs = tally_.checksum != lane_.checksum || tally_.bytes != lane_.bytes;
    if (lane_.complete && tally_.lost == 0 && differs) {
      content_ok_ = false;
      say(errors, "checksum " + checksum_text(tally_.checksum) + " of " + grouped(tally_.bytes) +
                      " bytes is not the publisher's " + checksum_text(lane_.checksum) + " of " +
                      grouped(lane_.bytes));
    }
  }

  [[nodiscard]] bool content_ok() const noexcept { return content_ok_; }

 private:
  void say(std::vector<std::string>& errors, const std::string& what) const {
    errors.push_back("subscriber " + std::to_string(subscriber_) + ", lane of publisher " +
                     std::to_string(lane_.publisher) + ": " + what);
  }

  const RunLane& lane_;
  const LaneTally& tally_;
  std::uint32_t subscriber_;
  bool lossless_;
  bool content_ok_ = false;
};

RunReader reader_of(const RunOptions& options, const RunPage& page, std::uint32_t number,
                    RunResult& result) {
  const SubscriberWords& words = page.subscriber(number);
  RunReader reader;
  reader.received = words.received.load(std::memory_order_relaxed);
  reader.lost = words.lost.load(std::memory_order_relaxed);
  reader.complete = has_reached(words.child, RunPhase::publish);
  if (!reader.complete) return reader;
  reader.checksum_ok = reader.compared = true;
  for (const RunLane& lane : result.lanes) {
    if (lane.lane >= result.lanes.size()) {  // its publisher died before it had one
      reader.compared = false;
      continue;
    }
    LaneCheck check(lane, page.tally(number, lane.lane), number, options.policy == Policy::block);
    check.run(result.errors);
    reader.checksum_ok = reader.checksum_ok && check.content_ok();
    reader.compared = reader.compared && lane.complete;
  }
  reader.checksum_ok = reader.checksum_ok && reader.compared;
  if (words.transport_lost != reader.lost) {
    result.errors.push_back("subscriber " + std::to_string(number) + ": the transport counted " +
                            grouped(words.transport_lost) + " lost, the sequence numbers say " +
                            grouped(reader.lost));
  }
  return reader;
}

double seconds_between(const RunPage& page, const RunOptions& options) {
  std::uint64_t first_ns = ~std::uint64_t{0};
  std::uint64_t last_ns = 0;
  for (std::uint32_t each = 0; each < options.publishers; ++each) {
    const PublisherWords& words = page.publisher(each);
    if (words.first_ns != 0) first_ns = std::min(first_ns, words.first_ns);
    if (options.subscribers == 0) last_ns = std::max(last_ns, words.last_ns);
  }
  for (std::uint32_t each = 0; each < options.subscribers; ++each) {
    last_ns = std::max(last_ns, page.subscriber(each).last_ns);
  }
  return last_ns > first_ns ? static_cast<double>(last_ns - first_ns) / 1e9 : 0;
}

// One number for all lanes; of a single lane it is that lane's own.
std::uint64_t checksum_of(const std::vector<RunLane>& lanes) {
  if (lanes.size() == 1) return lanes.front().checksum;
  LaneChecksum all;
  for (const RunLane& lane : lanes)
    all.add(lane.checksum, lane.publisher);
  return all.value();
}

}  // namespace

RunResult judge(const RunOptions& options, const RunPage& page, const RunCourse& course) {
  RunResult result;
  result.interrupted = course.interrupted;
  result.errors = course.troubles;
  result.pinned = page.publisher(0).child.cpu >= 0;
  for (std::uint32_t each = 0; each < options.publishers; ++each) {
    result.lanes.push_back(lane_of(page, each));
    const RunLane& lane = result.lanes.back();
    result.published += lane.published;
    result.bytes += lane.bytes;
    if (!lane.complete && !course.publisher_died[each] && !course.interrupted) {
      result.errors.push_back("publisher " + std::to_string(each) + " did not come to its end");
    }
  }
  result.latency = std::make_unique<layout::HistogramBytes>();
  Histogram latency(*result.latency);
  for (std::uint32_t each = 0; each < options.subscribers; ++each) {
    result.readers.push_back(reader_of(options, page, each, result));
    RunReader& reader = result.readers.back();
    reader.died = course.subscriber_died[each];
    if (!reader.complete && !reader.died && page.phase() >= RunPhase::publish) {
      result.errors.push_back("subscriber " + std::to_string(each) + " did not come to its end");
    }
    latency.add(HistogramView(page.subscriber(each).latency));
  }
  result.seconds = seconds_between(page, options);
  result.checksum = checksum_of(result.lanes);
  result.bare_before_ns = page.publisher(0).child.bare_p50_ns[0];
  result.bare_after_ns = page.publisher(0).child.bare_p50_ns[1];
  result.ok = result.errors.empty();
  return result;
}

}  // namespace millrace::tools
