// Wrong ways to write or recover a log, each one a plausible mistake. In the test's twin of this
// library (MILLRACE_CRASH_POINTS, cmake/component.cmake) the simulator's search can plant one, and
// must then find a history in which the log breaks its word; that is how we know that the search
// could see such a mistake. In production every one is false.
//
//   if (MILLRACE_FLAW(window_by_count)) return in_flight < depth;
//
// Thread rules: set planted_flaw before the log is opened.
#pragma once

#include <cstdint>

namespace millrace {

enum class Flaw : std::uint8_t {
  none = 0,
  free_at_copy,             // J1: the ring's space is free as soon as the bytes are copied
  predecessor_is_evidence,  // J3: a segment's predecessor link proves that its items were durable
  order_by_number,          // J3b: the chain is the order of segment numbers, not of the links
  sequence_watermark,       // J4: durable_no grows only with items that carry messages
  window_by_count,          // J5: in_flight < depth instead of m - durable < depth
  two_headers_in_flight,    // a second segment header is written before the first is durable
  short_segments,           // no mistake: segments end so early that the one before could be made
  unreadable_is_spare,      // T3: a slot whose header cannot be read is prepared again
  read_before_flush,        // recovery believes bytes that the device may still lose
  publish_before_header,  // recovery publishes its end before the fresh segment's header is durable
};

#if defined(MILLRACE_CRASH_POINTS)

inline Flaw planted_flaw = Flaw::none;

#define MILLRACE_FLAW(name) (::millrace::planted_flaw == ::millrace::Flaw::name)

#else

#define MILLRACE_FLAW(name) (false)

#endif

}  // namespace millrace
