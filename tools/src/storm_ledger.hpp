// What one subscriber of a storm has received of every producer, and whether that is what its
// policy promises: nothing torn, nothing twice, under `block` nothing missing, and else exactly as
// much missing as it was told.
//
// One thread.
#pragma once

#include "storm_message.hpp"
#include "storm_page.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace millrace::tools {

class StormLedger {
 public:
  // `lossless`: this subscriber is waited for. `who`: for sentences. It tells the page of every
  // violation. Its subscriber is older than `joined_ns`.
  StormLedger(StormPage& page, bool lossless, std::string who, std::uint64_t joined_ns);

  // The next message of a lane, with the sequence that the transport says.
  void take(const StormHead& head, std::uint64_t sequence);

  // The seal does not fit.
  void take_torn(std::uint32_t lane, std::uint64_t sequence);

  // The transport tells of lost messages.
  void lose(std::uint64_t messages);

  // Is everything there that publishers of `channel` have published? REQUIRES that they have ended.
  [[nodiscard]] bool complete(std::uint32_t channel) const;

  // The last check: what never came is missing, and so is a loss that was told and did not happen.
  void close(std::uint32_t channel);

  [[nodiscard]] std::uint64_t lost() const noexcept { return told_; }

 private:
  struct Seen {
    std::uint64_t next = 0;
  };

  // What a producer has published, as far as anybody can tell from outside.
  struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    std::uint64_t began_ns = 0;  // of its first life: its lane is younger
  };

  [[nodiscard]] std::map<std::uint64_t, Range> published(std::uint32_t channel) const;
  [[nodiscard]] bool born_after_us(const StormHead& head) const noexcept;
  void first(const StormHead& head);
  void gap(const StormHead& head, std::uint64_t from);
  void close_one(std::uint64_t producer, const Range& range);
  void violate(const std::string& what) const;

  StormPage& page_;
  bool lossless_;
  std::string who_;
  std::uint64_t joined_ns_;  // lanes that began later are ours from their first message on
  std::map<std::uint64_t, Seen> seen_;
  std::uint64_t told_ = 0;       // lost, as the transport said
  std::uint64_t missing_ = 0;    // lost, as the sequences say
  std::uint64_t uncertain_ = 0;  // may have been lost, nobody can tell from outside
};

}  // namespace millrace::tools
