// Reads a journal's messages again: any range, by sequence or time, at any speed, into a handler or
// a channel.
//
// Thread rules: one thread at a time; any number of replayers, also beside the recorder.
#pragma once

#include "millrace/persist/journal_reader.hpp"
#include "millrace/transport/publisher.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace millrace {

struct ReplayOptions {
  std::string directory;
  std::string channel{};           // its name in the log; empty: the only one, else bad_argument
  std::string producer{};          // empty: all of them, in the order of the log
  std::optional<Sequence> from{};  // of each producer
  std::optional<Sequence> to{};    // one past
  std::optional<std::uint64_t> from_ns{};  // since 1970
  std::optional<std::uint64_t> to_ns{};
  bool follow = false;  // at the durable end: wait for more
  double speed = 0;     // 1: as it was recorded; 0: as fast as possible
};

struct ReplayedMessage {
  std::string_view producer;
  Sequence sequence = 0;
  std::uint16_t key = 0;
  std::span<const std::byte> bytes;
  std::uint64_t wall_ns = 0;
};

class ReplayCore;

class Replayer {
 public:
  [[nodiscard]] static Result<Replayer> open(const ReplayOptions& options);

  Replayer(Replayer&&) noexcept;
  Replayer& operator=(Replayer&&) noexcept;
  ~Replayer();

  // The next message of the range, at its time. Nothing: the range is done (or, with follow,
  // nothing came for `most`). Valid until the next call. Errors: trimmed, damaged.
  Result<std::optional<ReplayedMessage>> next(
      std::chrono::nanoseconds most = std::chrono::nanoseconds::max());

 private:
  explicit Replayer(std::unique_ptr<ReplayCore> core) noexcept;

  std::unique_ptr<ReplayCore> core_;
};

}  // namespace millrace
