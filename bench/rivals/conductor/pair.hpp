// The two processes of a rival (or the one, if it lives within one), and slices of them. Between
// slices both sleep.
#pragma once

#include "child.hpp"
#include "ground.hpp"
#include "row.hpp"

#include <optional>

namespace millrace::rivals {

// Nanoseconds a message or round trip: the median of the timed parts, and all of them together.
struct Slice {
  double median_ns = 0;
  double mean_ns = 0;
  double publish_ns = 0;  // fan-out: one publish
};

class Pair {
 public:
  // Started, connected, its threads on the two processors.
  [[nodiscard]] static Result<Pair> start(Ground& ground, const RivalInfo& rival,
                                          const RowInfo& row);

  // The bare words, which brackets are made of.
  [[nodiscard]] static Result<Pair> start_bare(Ground& ground);

  Pair(Pair&& other) noexcept;
  Pair& operator=(Pair&&) = delete;
  ~Pair();

  // About `slice_ns` of one kind; the count follows from the slice before. Errors: a message came
  // wrong, a driver has ended or does not answer.
  Result<Slice> slice(OrderKind kind, double slice_ns);

  // Slices that are thrown away, for so long: finds counts, warms up.
  Result<void> warm_up(OrderKind kind, double slice_ns, double seconds);

 private:
  Pair(Ground& ground, std::string scope, std::size_t receivers) noexcept
      : ground_(&ground), scope_(std::move(scope)), receivers_(receivers) {}

  [[nodiscard]] static Result<Pair> start_with(Ground& ground, const std::string& program,
                                               std::string_view rival, bool in_process,
                                               const RowInfo& row);
  [[nodiscard]] std::vector<Child*> both();
  Result<void> pin() const;
  [[nodiscard]] std::uint64_t part_of(OrderKind kind, double slice_ns) const noexcept;

  Ground* ground_;
  std::string scope_;
  std::size_t receivers_;
  std::optional<Child> leader_;
  std::optional<Child> follower_;
  std::uint32_t tids_[2] = {};
  OrderKind last_kind_ = OrderKind::round_trip;
  double last_ns_ = 0;
};

// The command line of a driver.
[[nodiscard]] std::vector<std::string> driver_command(const Ground& ground,
                                                      const std::string& program,
                                                      std::string_view rival, std::string_view role,
                                                      std::string_view pattern, const RowInfo& row,
                                                      const std::string& scope);

}  // namespace millrace::rivals
