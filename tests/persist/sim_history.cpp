#include "sim_history.hpp"

#include "flaw.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace millrace::sim {

void Counts::add(const Counts& other) noexcept {
  histories += other.histories;
  for (std::size_t kind = 0; kind < std::size(crashes); ++kind) {
    crashes[kind] += other.crashes[kind];
  }
  crashes_in_recovery += other.crashes_in_recovery;
  recoveries += other.recoveries;
  clean_ends += other.clean_ends;
  poisoned += other.poisoned;
  full += other.full;
  items += other.items;
  messages += other.messages;
  messages_read += other.messages_read;
  cut_items += other.cut_items;
  damages += other.damages;
  damages_unwitnessed += other.damages_unwitnessed;
}

History::History(std::uint64_t seed)
    : seed_(seed),
      random_(Random::mixed(seed)),
      settings_(settings_of(random_)),
      medium_(
          std::make_shared<SimulatedMedium>(random_.next(), settings_.facts, settings_.capacity)),
      watch_(medium_) {
  counts_.histories = 1;
  for (std::uint32_t number = 0; number < settings_.lanes; ++number) {
    lanes_.emplace_back(number, settings_.options.item_bytes);
  }
}

std::string History::run() {
  for (std::uint32_t number = 0; number < settings_.epochs && good(); ++number)
    epoch();
  if (good()) open();  // what the last crash left
  journal_.reset();
  return verdict_;
}

void History::epoch() {
  open();
  if (good()) work();
  if (good()) end_epoch();
  journal_.reset();
  if (good()) broken(medium_->objection);
  if (good()) broken(watch_.objection());
  if (good() && settings_.plant_damage) plant_damage();
}

void History::work() {
  medium_->faults = faults_of(settings_, random_);
  poisoned_ = false;
  for (std::uint64_t steps = random_.between(5, 150); steps > 0 && good() && !poisoned_; --steps) {
    step();
  }
}

void History::step() {
  switch (random_.below(12)) {
    case 0:
    case 1:
    case 2: publish(); break;
    case 3:
    case 4:
    case 5: copy(random_.below(lanes_.size())); break;
    case 6:
    case 7:
    case 8: submit(); break;
    case 9: poll(random_.one_in(6) ? 30'000'000 : 100'000); break;
    case 10: random_.one_in(3) ? acknowledge() : poll(0); break;
    default:
      if (random_.one_in(30)) {
        medium_->step_wall(static_cast<std::int64_t>(random_.below(7'200'000'000'000)) -
                           3'600'000'000'000);
      }
      poll(random_.below(400'000));
      break;
  }
}

void History::publish() {
  SimLane& lane = lanes_[random_.below(lanes_.size())];
  for (std::uint64_t count = random_.between(1, 30); count > 0; --count) {
    std::uint64_t held = 0;
    for (Sequence at = lane.floor; at < lane.published; ++at)
      held += lane.plan(at).record_bytes();
    if (held >= settings_.ring_bytes) return;
    lane.publish(random_);
  }
}

// Messages that were overwritten before the log could take them: it gets a record instead.
bool History::add_gap(std::size_t index) {
  SimLane& lane = lanes_[index];
  auto gap = std::ranges::find(lane.gaps, lane.copied, &SimLane::Gap::from);
  if (gap == lane.gaps.end() && lane.part_offset == 0 && lane.published > lane.copied &&
      random_.one_in(40)) {
    // One that never reached the log is part of this one, or comes again.
    std::erase_if(lane.gaps, [&](const auto& old) { return old.from >= lane.copied; });
    lane.gaps.push_back({lane.copied, random_.between(lane.copied + 1, lane.published)});
    gap = std::prev(lane.gaps.end());
  }
  if (gap == lane.gaps.end()) return false;
  if (!journal_->add_gap(lane.id, gap->from, gap->to, 5)) return true;
  building_.shares.push_back({.lane = index, .from = gap->from, .to = gap->to});
  lane.copied = gap->to;
  return true;
}

bool History::copy_part(std::size_t index) {
  SimLane& lane = lanes_[index];
  const std::uint64_t whole = lane.plan(lane.copied).record_bytes();
  const auto room = journal_->room(whole - lane.part_offset);
  const std::uint64_t bytes =
      std::min<std::uint64_t>(room.size() / 8 * 8, whole - lane.part_offset);
  if (bytes == 0) return false;
  std::vector<std::byte> record(whole);
  lane.make_record(lane.copied, record);
  std::ranges::copy(std::span(record).subspan(lane.part_offset, bytes), room.begin());
  journal_->add_part(lane.id, lane.copied, lane.part_offset, whole, bytes);
  const bool last = lane.part_offset + bytes == whole;
  building_.shares.push_back({.lane = index,
                              .from = lane.copied,
                              .to = lane.copied + (last ? 1 : 0),
                              .begins_inside = lane.part_offset != 0});
  lane.part_offset = last ? 0 : lane.part_offset + bytes;
  lane.copied += last ? 1 : 0;
  return true;
}

void History::copy(std::size_t index) {
  SimLane& lane = lanes_[index];
  if (lane.part_offset != 0) {
    copy_part(index);
    return;
  }
  if (lane.copied == lane.published || add_gap(index)) return;
  const Sequence first = lane.copied;
  const std::uint64_t wanted = random_.one_in(4) ? 4096 : settings_.options.item_bytes;
  const auto room = journal_->room(std::max(wanted, lane.plan(first).record_bytes()));
  std::size_t bytes = 0;
  while (lane.copied < lane.published && std::ranges::none_of(lane.gaps, [&](const auto& gap) {
           return gap.from == lane.copied;
         })) {
    const std::uint64_t record = lane.plan(lane.copied).record_bytes();
    if (record > room.size() - bytes) break;
    lane.make_record(lane.copied++, room.subspan(bytes, record));
    bytes += record;
  }
  if (lane.copied == first) {
    if (journal_->building() == 0) copy_part(index);
    return;
  }
  journal_->add_run(lane.id, first, static_cast<std::uint32_t>(lane.copied - first), bytes);
  building_.shares.push_back({.lane = index, .from = first, .to = lane.copied});
  if (MILLRACE_FLAW(free_at_copy)) lane.floor = lane.copied;
}

void History::acknowledge() {
  const std::size_t index = random_.below(lanes_.size());
  const SimLane& lane = lanes_[index];
  const std::string name = "subscriber-" + std::to_string(random_.below(2));
  Acknowledged& known = acknowledged_[{name, index}];
  if (lane.durable <= known.submitted) return;
  const Sequence before = random_.between(known.submitted, lane.durable);
  if (!journal_->add_acknowledgement(name, lane.id, before)) return;
  known.submitted = before;
  building_.acknowledgements[{name, index}] = before;
}

void History::submit() {
  if (journal_->building() == 0) return;
  if (!journal_->may_submit()) {
    if (journal_->in_flight() != 0 || journal_->stats().state != LogState::full) return;
    const auto refused = journal_->submit();
    return refused ? broken("a full log takes an item") : refused_as_full(refused.error());
  }
  const auto number = journal_->submit();
  if (!number && number.error().code() == Errc::journal_poisoned) return stay_poisoned();
  // A seal of the journal's own may have taken the last place in flight, or wants a slot first.
  if (!number && number.error().code() == Errc::busy && journal_->in_flight() != 0) return;
  if (!number) return refused_as_full(number.error());
  if (*number <= watch_.promised()) broken("submit() gave a number that was already reported");
  const auto written = watch_.items().find(*number);
  if (written == watch_.items().end()) return broken("submit() wrote nothing");
  building_.segment = written->second.segment;
  contributions_[*number] = std::exchange(building_, {});
  ++counts_.items;
}

void History::refused_as_full(const Error& error) {
  ++counts_.full;
  if (error.code() != Errc::no_space && error.code() != Errc::full) {
    return broken("submit: " + std::string(error.sentence()));
  }
  random_.one_in(3) ? make_room() : poll(2'000'000'000);
}

// A full log goes on by itself once there is room again.
void History::make_room() {
  medium_->capacity += 4 * settings_.options.segment_bytes;
  medium_->faults.prepare_space = 0;
  for (int seconds = 0; seconds < 30; ++seconds) {
    poll(1'000'000'000);
    if (!good() || poisoned_ || journal_->stats().state == LogState::ok) return;
  }
  broken("the log is still full though there is room");
}

void History::poll(std::uint64_t timeout_ns) {
  const auto done = journal_->poll(std::chrono::nanoseconds(timeout_ns));
  if (!done && done.error().code() == Errc::journal_poisoned) return stay_poisoned();
  if (!done) return broken("poll: " + std::string(done.error().sentence()));
  advance();
}

void History::advance() {
  const ItemNumber durable = journal_->durable();
  const ItemNumber before = watch_.promised();
  if (durable < before) return broken("durable() went back (check 6)");
  if (const std::string wrong = watch_.promise(durable); !wrong.empty()) return broken(wrong);
  for (auto one = contributions_.upper_bound(before);
       one != contributions_.end() && one->first <= durable; ++one) {
    for (const Share& share : one->second.shares) {
      SimLane& lane = lanes_[share.lane];
      counts_.messages += share.to - share.from;
      lane.durable = std::max(lane.durable, share.to);
      lane.floor = std::max(lane.floor, lane.durable);
    }
    for (const auto& [subscription, sequence] : one->second.acknowledgements) {
      Acknowledged& known = acknowledged_[subscription];
      known.reported = std::max(known.reported, sequence);
    }
  }
}

// (9): whatever still completes, nothing is reported any more.
void History::stay_poisoned() {
  poisoned_ = true;
  ++counts_.poisoned;
  const bool failing = medium_->faults.write_error != 0 || medium_->faults.overwrite_space != 0 ||
                       medium_->faults.short_write != 0 || medium_->faults.flush_error != 0;
  if (!failing) return broken("poisoned, though the device did nothing wrong");
  advance();
  const ItemNumber durable = journal_->durable();
  for (int times = 0; times < 3 && good(); ++times) {
    const auto polled = journal_->poll(std::chrono::seconds(1));
    if (polled || polled.error().code() != Errc::journal_poisoned) {
      broken("a poisoned log is usable again (check 9)");
    }
    if (journal_->durable() != durable) broken("a poisoned log reports (check 9)");
    if (journal_->may_submit()) broken("a poisoned log takes items (check 9)");
  }
}

void History::crash(Crash kind) {
  medium_->crash(kind);
  ++counts_.crashes[static_cast<std::size_t>(kind)];
  shared_memory_ = kind == Crash::kill && shared_memory_;
  certain_ = kind != Crash::kill;
}

void History::end_epoch() {
  closed_ = false;
  if (!poisoned_ && random_.one_in(5)) {
    medium_->faults = {};
    const auto ended = journal_->close();
    advance();
    if (!ended) return broken("close: " + std::string(ended.error().sentence()));
    if (journal_->in_flight() != 0) return broken("close() left items in flight");
    closed_ = true;
    ++counts_.clean_ends;
    crash(random_.one_in(2) ? Crash::power : Crash::kill);
    return;
  }
  crash(static_cast<Crash>(random_.below(3)));
}

}  // namespace millrace::sim
