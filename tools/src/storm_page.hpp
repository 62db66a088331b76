// What the processes of a storm leave for their parent, in memory that outlives every kill. Each
// start of a process is a *life* with a record of its own, never used again, so whatever a killed
// process has written stays as evidence.
//
//   word                              writer            read by
//   settings, phase, go, watch        parent            children
//   born to sentence of a life        that child        parent; subscribers at the end
//   first_seen                        one subscriber    parent
//
// Thread rules: as of its words.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/participant_name.hpp"
#include "millrace/core/result.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

enum class StormRole : std::uint32_t { publisher, subscriber, cleaner };

inline constexpr std::uint32_t kStormRoles = 3;

[[nodiscard]] const char* to_string(StormRole role) noexcept;

// Which order a channel keeps.
enum class StormOrder : std::uint32_t { lane };

[[nodiscard]] const char* to_string(StormOrder order) noexcept;

// A defect that a test plants, so that the verdict can be seen to fail.
enum class StormPlant : std::uint32_t { none, drop, duplicate, tear, silence, no_recovery };

enum class StormPhase : std::uint32_t { running, publishers_leave, drain };

inline constexpr std::uint32_t kStormLives = 65'536;
inline constexpr std::uint32_t kNoLife = ~std::uint32_t{0};
inline constexpr std::size_t kStormViolations = 64;  // more are only counted

struct StormSettings {
  std::uint64_t seed = 0;
  std::uint64_t fat_bytes = 0;
  std::uint64_t watchdog_ns = 0;  // who has not gone on after so long never will
  std::int32_t parent_pid = 0;
  std::uint32_t channels = 0;
  StormPlant plant = StormPlant::none;
  std::array<char, 4096> domain{};
};

// Times are of CLOCK_MONOTONIC, 0 is "not yet".
struct alignas(256) StormLife {
  StormRole role;
  std::uint32_t slot;         // which of its role
  std::uint32_t channel;      // which policy
  std::uint32_t fat;          // maps much memory before it begins
  std::uint32_t named;        // a publisher that continues the lane of its slot
  std::uint32_t predecessor;  // the life that is killed for it, kNoLife: none
  std::uint64_t halted_ns;    // the predecessor was stopped or held, or was about to be killed
  std::uint64_t kill_ns;      // of the predecessor: the parent's stamps, as in Death
  std::uint64_t alive_ns;
  std::uint64_t lock_free_ns;

  std::atomic<std::uint32_t> go;     // the predecessor is about to die
  std::atomic<std::uint32_t> ready;  // prepared, and waits for `go`
  std::atomic<std::uint32_t> leave;  // it is asked to leave in good order
  std::atomic<std::uint32_t> participant_id;
  std::atomic<std::uint64_t> incarnation;  // of its participant, 0: it has not entered yet

  std::atomic<std::uint64_t> began_ns;     // about to make its publisher or subscriber
  std::atomic<std::uint64_t> still_ns;     // its predecessor was not yet dead
  std::atomic<std::uint64_t> detected_ns;  // it knows that its predecessor is dead
  std::atomic<std::uint64_t> repaired_ns;  // it has its publisher or subscriber
  std::atomic<std::uint64_t> retries;      // it was told to try again

  // A publisher. What it has published lies between `published` and `intended`, which differ only
  // while it publishes.
  std::atomic<std::uint64_t> first_sequence;
  std::atomic<std::uint64_t> published;
  std::atomic<std::uint64_t> intended;
  std::atomic<std::uint64_t> aborted;
  std::atomic<std::uint64_t> first_seen_ns;  // somebody has received its first message
  std::atomic<std::uint32_t> watch;          // asks for the next end of a wait
  std::atomic<std::uint64_t> unblocked_ns;   // the answer

  // A subscriber.
  std::atomic<std::uint64_t> received;
  std::atomic<std::uint64_t> lost;  // as it was told
  std::atomic<std::uint64_t> evictions;
  std::atomic<std::uint64_t> first_message_ns;
  std::atomic<std::uint64_t> last_message_ns;
  std::atomic<std::uint64_t> outages;
  std::atomic<std::uint64_t> outage_ns;
  std::atomic<std::uint64_t> outage_squares_us2;

  // Where program and C library lie in this process, to compare instructions between processes.
  std::uint64_t program_anchor;
  std::uint64_t library_anchor;
};

struct StormViolation {
  std::atomic<std::uint32_t> written;
  std::array<char, 508> sentence;
};

struct StormPage {
  StormSettings settings;
  std::atomic<std::uint32_t> phase;
  std::atomic<std::uint32_t> lives_used;
  std::atomic<std::uint32_t> violations_used;
  std::array<StormViolation, kStormViolations> violations;
  std::array<StormLife, kStormLives> lives;

  [[nodiscard]] StormPhase phase_now() const noexcept;
  void raise(StormPhase to) noexcept;

  // Any process; a sentence each.
  void violate(const std::string& sentence) noexcept;
  [[nodiscard]] std::vector<std::string> sentences() const;

  [[nodiscard]] ParticipantName participant_of(std::uint32_t life) const noexcept;
};

// Maps it; 16 MiB, of which only the lives that were lived are ever there.
class StormMemory {
 public:
  [[nodiscard]] static Result<StormMemory> create();
  [[nodiscard]] static Result<StormMemory> attach(int fd);

  StormMemory(StormMemory&& other) noexcept;
  StormMemory& operator=(StormMemory&&) = delete;
  ~StormMemory();

  [[nodiscard]] StormPage& operator*() const noexcept { return *page_; }

  [[nodiscard]] StormPage* operator->() const noexcept { return page_; }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  StormMemory(Descriptor fd, StormPage* page) noexcept : fd_(std::move(fd)), page_(page) {}

  Descriptor fd_;
  StormPage* page_;
};

// The descriptor that a child finds its page at.
inline constexpr int kStormPageFd = 3;

// The channels of a storm, one a policy.
inline constexpr std::array<const char*, 3> kStormChannels = {"block", "evict", "lossy"};

// The name that publisher `slot` has in every life, if it has one.
[[nodiscard]] std::string storm_publisher_name(std::uint32_t slot);

}  // namespace millrace::tools
