// A publisher and its journal: waiting until a message is durable, and saying why a ring stays full
// or a wait has no end.
#include "deadline.hpp"
#include "lane_owner.hpp"

#include <algorithm>
#include <cinttypes>

namespace millrace::detail {

namespace {

// How long a wait sleeps at most; what it waits for wakes it.
constexpr std::uint64_t kParkBoundNs = 10'000'000;

std::uint64_t milliseconds_since(std::uint64_t then_ns) noexcept {
  return then_ns == 0 ? 0 : (monotonic_ns() - then_ns) / 1'000'000;
}

}  // namespace

Sequence LaneOwner::durable(const LaneWriter<ProductionMemory>& writer) noexcept {
  return floor_.durable({writer.position(), writer.sequence()}).sequence;
}

Result<void> LaneOwner::may_wait(bool probe) noexcept {
  const ChannelJournal& journal = floor_.journal();
  const layout::JournalState state = journal.state();
  const bool lost = state == layout::JournalState::poisoned ||
                    state == layout::JournalState::detached ||
                    journal.refused(lane_.lane, lane_.epoch);
  if (!lost && !floor_.let_go() && !(probe && floor_.drop_if_down())) return {};
  return never_durable(journal.condition(channel_->domain->directory.fd()));
}

Failure LaneOwner::never_durable(const JournalCondition& journal) noexcept {
  const char* const name = channel_->name.c_str();
  if (floor_.journal().refused(lane_.lane, lane_.epoch)) {
    return fail(Errc::poisoned,
                "channel \"%s\", lane %u contradicts the log and is not journaled; remove the "
                "channel when all is read",
                name, lane_.lane);
  }
  const bool poisoned = journal.health == JournalHealth::poisoned;
  return fail(poisoned ? Errc::journal_poisoned : Errc::journal_unavailable,
              "channel \"%s\", lane %u: %s: %s", name, lane_.lane,
              poisoned ? "whether it will be durable is unknown" : "it does not become durable",
              describe_journal(journal).data());
}

Failure LaneOwner::not_yet_durable(Sequence sequence, Sequence durable) noexcept {
  const JournalCondition journal = floor_.journal().condition(channel_->domain->directory.fd());
  const bool down =
      journal.health == JournalHealth::down || journal.health == JournalHealth::absent;
  return fail(down ? Errc::journal_unavailable : Errc::timeout,
              "channel \"%s\", lane %u: message %" PRIu64
              " is not durable yet (those before %" PRIu64 " are); %s%s",
              channel_->name.c_str(), lane_.lane, sequence, durable,
              describe_journal(journal).data(),
              down ? "; start `millrace record`, and it goes on" : "");
}

Result<void> LaneOwner::wait_durable(const LaneWriter<ProductionMemory>& writer, Sequence sequence,
                                     std::uint64_t deadline_ns) noexcept {
  Waiter waiter(wait_, channel_->domain->ticks_per_us, channel_->domain->processors);
  for (bool probe = true;;) {
    const Sequence reached = durable(writer);
    if (sequence < reached) break;
    if (auto hope = may_wait(probe); !hope) return hope;
    const std::uint64_t now = monotonic_ns();
    if (now >= deadline_ns) return not_yet_durable(sequence, reached);
    probe = waiter.pause();
    if (probe) floor_.park(std::min(deadline_ns - now, kParkBoundNs));
  }
  const ChannelJournal::Gaps gaps = floor_.journal().gaps(lane_.lane, lane_.epoch);
  if (sequence < gaps.first || sequence >= gaps.end) return {};
  return fail(Errc::gap,
              "channel \"%s\", lane %u: message %" PRIu64
              " may have been overwritten before it was journaled, as some from %" PRIu64
              " to %" PRIu64 " were; the journal tells which",
              channel_->name.c_str(), lane_.lane, sequence, gaps.first, gaps.end);
}

// Who, how far, since when, and what helps.
Failure LaneOwner::full_of_undurable(const LaneWriter<ProductionMemory>& writer,
                                     Errc code) noexcept {
  if (floor_.journal().refused(lane_.lane, lane_.epoch)) return never_durable({});
  const Checkpoint end{writer.position(), writer.sequence()};
  const JournalCondition journal = floor_.journal().condition(channel_->domain->directory.fd());
  const bool poisoned = journal.health == JournalHealth::poisoned;
  return fail(poisoned ? Errc::journal_poisoned : code,
              "channel \"%s\", lane %u: the ring is full: %" PRIu64 " of %" PRIu64
              " bytes are not durable, and this publisher has waited %" PRIu64 " ms; %s%s",
              channel_->name.c_str(), lane_.lane, end.position - floor_.durable(end).position,
              channel_->options.ring_bytes, milliseconds_since(waits_since_ns_),
              describe_journal(journal).data(),
              journal.health == JournalHealth::ok ? "; a larger ring would help" : "");
}

}  // namespace millrace::detail
