// A durable channel's past, as a subscriber reads it: what the ring no longer holds. Declared here,
// implemented by millrace::persist, so that a program without a journal links none of it. A program
// that reads the past calls millrace::use_journals() (persist/use_journals.hpp) once.
//
// Cold reading takes no role and holds no pins: any number of processes may read the same range
// while it is written and while old segments are recycled.
//
// Thread rules: one thread at a time for each object.
#pragma once

#include "millrace/core/position.hpp"
#include "millrace/core/result.hpp"
#include "millrace/core/unique_number.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace {

// Valid until the LaneHistory is read again.
struct PastMessage {
  Sequence sequence = 0;
  std::uint16_t key = 0;
  std::span<const std::byte> bytes;
  std::uint64_t wall_ns = 0;  // when the journal took it in, nanoseconds since 1970
};

// One producer's past.
class LaneHistory {
 public:
  virtual ~LaneHistory() = default;

  // The message with exactly this number or, where claims were given up, the next one that was
  // published: PastMessage::sequence says which. Nothing: the log does not hold it yet, or it lies
  // at or above `below`, the sequence that the caller knows to be durable. Errors: trimmed
  // (retention has taken it; Error::lost() counts what is gone from `sequence` on, so the caller
  // goes on at sequence + lost), damaged (the log is; the sentence names segment and offset), gap
  // (it was never journaled, or was damaged and given up by repair; lost() as for trimmed).
  virtual Result<std::optional<PastMessage>> read(Sequence sequence, Sequence below) = 0;

  // The oldest message that the log still holds; its end if it holds none.
  virtual Result<Sequence> oldest() = 0;

  // The first message taken in at or after this moment (nanoseconds since 1970); the end of the log
  // if there is none.
  virtual Result<Sequence> first_since(std::uint64_t wall_ns) = 0;
};

// One channel's past.
class History {
 public:
  virtual ~History() = default;

  virtual Result<std::unique_ptr<LaneHistory>> lane(std::string_view producer) = 0;

  // The sequence that the subscriber of this name has acknowledged up to in that producer's lane,
  // as far as the log knows; nothing if it never has.
  virtual Result<std::optional<Sequence>> remembered(std::string_view subscriber,
                                                     std::string_view producer) = 0;
};

// `directory`: of the journal. `channel`: its identity in the log.
using HistoryOpener = Result<std::unique_ptr<History>> (*)(const std::string& directory,
                                                           const Uuid& channel);

// For millrace::persist. Any thread; the last one counts.
void set_history_opener(HistoryOpener opener) noexcept;

// Errc::journal_unavailable if nobody has called use_journals() in this program.
[[nodiscard]] Result<std::unique_ptr<History>> open_history(const std::string& directory,
                                                            const Uuid& channel);

}  // namespace millrace
