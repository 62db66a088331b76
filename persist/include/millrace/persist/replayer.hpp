// Reads a journal's messages again: any range, by sequence or time, at any speed.
//
//   auto replayer = Replayer::open({.directory = "/var/lib/orders", .channel = "orders"});
//   while (auto message = replayer->next().value()) handle(message->bytes);
//
// Thread rules: one thread at a time; any number of replayers, also beside the recorder.
#pragma once

#include "millrace/core/position.hpp"
#include "millrace/core/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace {

struct ReplayOptions {
  std::string directory;
  std::string channel{};           // its name in the log; empty: the only one, else bad_argument
  std::string producer{};          // empty: all of them, in the order of the log
  std::optional<Sequence> from{};  // of each producer
  std::optional<Sequence> to{};    // one past
  std::optional<std::uint64_t> from_ns{};  // taken in at or after this moment, since 1970
  std::optional<std::uint64_t> to_ns{};    // ends with the first message of this moment or later
  bool follow = false;                     // at the durable end: wait for more
  double speed = 0;                        // 1: as it was recorded; 0: as fast as possible
};

struct ReplayedMessage {
  std::string_view producer;
  Sequence sequence = 0;
  std::uint16_t key = 0;
  std::span<const std::byte> bytes;
  std::uint64_t wall_ns = 0;

  // The last messages of its producer before it that were never journaled: [gap_from, gap_to),
  // equal if there are none.
  Sequence gap_from = 0;
  Sequence gap_to = 0;
};

class ReplayCore;

class Replayer {
 public:
  [[nodiscard]] static Result<Replayer> open(const ReplayOptions& options);

  Replayer(Replayer&&) noexcept;
  Replayer& operator=(Replayer&&) noexcept;
  ~Replayer();

  // The next message of the range, at its time. Nothing: the range is done, or nothing was due for
  // `most`; done() says which. Valid until the next call. Errors: trimmed (the range begins before
  // what the journal still holds, or retention was faster; lost() counts, the next call goes on),
  // damaged.
  Result<std::optional<ReplayedMessage>> next(
      std::chrono::nanoseconds most = std::chrono::nanoseconds::max());

  // The range is at its end. Never true with follow, unless it has an end and all of it was given.
  [[nodiscard]] bool done() const noexcept;

 private:
  explicit Replayer(std::unique_ptr<ReplayCore> core) noexcept;

  std::unique_ptr<ReplayCore> core_;
};

}  // namespace millrace
