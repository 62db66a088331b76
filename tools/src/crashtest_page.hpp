// What the writer of a crash test leaves in shared memory for the process that will kill it: how
// far it was told that its messages are durable. A plain memory file; it outlives every kill.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

inline constexpr std::uint32_t kCrashPublishers = 2;

struct CrashPage {
  std::uint64_t seed;  // messages are made from it and their sequence, so anybody can make them
  std::array<char, 4096> domain;
  std::array<char, 4096> journal;
  std::uint64_t segment_bytes;
  std::uint64_t retain_bytes;

  struct alignas(128) Lane {
    std::atomic<std::uint64_t> published;  // messages
    std::atomic<std::uint64_t> durable;    // messages before it were reported durable
  };

  std::array<Lane, kCrashPublishers> lanes;
  std::atomic<std::uint32_t> recording;  // the recorder of this life is in place
  std::atomic<std::uint32_t> failed;     // `sentence` says why the writer ended by itself
  std::array<char, 384> sentence;
};

// Maps it. Thread rules: as of its words.
class CrashMemory {
 public:
  [[nodiscard]] static Result<CrashMemory> create();
  [[nodiscard]] static Result<CrashMemory> attach(int fd);

  CrashMemory(CrashMemory&& other) noexcept;
  CrashMemory& operator=(CrashMemory&&) = delete;
  ~CrashMemory();

  [[nodiscard]] CrashPage* operator->() const noexcept { return page_; }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  CrashMemory(Descriptor fd, CrashPage* page) noexcept : fd_(std::move(fd)), page_(page) {}

  Descriptor fd_;
  CrashPage* page_;
};

// "load-0"
[[nodiscard]] std::string crash_publisher_name(std::uint32_t number);

// The message of this number: 8 to some 2,000 bytes that nobody else would write.
void make_crash_message(std::uint64_t seed, std::uint32_t publisher, std::uint64_t sequence,
                        std::vector<std::byte>& into);

// The descriptor that a writer finds its page at.
inline constexpr int kCrashPageFd = 3;

inline constexpr const char* kCrashChannel = "crashtest";

}  // namespace millrace::tools
