// The next persister, and what it must find.
#include "sim_history.hpp"
#include "sim_sentence.hpp"

#include <algorithm>
#include <utility>

namespace millrace::sim {

std::vector<DurableWitness> History::witnesses() const {
  std::vector<DurableWitness> all;
  if (!shared_memory_) return all;
  for (const SimLane& lane : lanes_) {
    if (lane.durable == 0) continue;
    all.push_back({lane.channel, lane.producer, lane.epoch, lane.durable});
  }
  return all;
}

Result<Journal> History::open_on(const std::shared_ptr<SimulatedMedium>& medium,
                                 SimulatedDisk::Watch watch) const {
  JournalOptions options = settings_.options;
  options.witnesses = [this]() -> Result<std::vector<DurableWitness>> { return witnesses(); };
  return Journal::open(options, std::make_unique<SimulatedDisk>(medium, SimulatedDisk::Role::writer,
                                                                std::move(watch)));
}

History::Ends History::ends_of(const Journal& journal) {
  Ends ends;
  for (const JournalLane& lane : journal.lanes())
    ends.lanes[lane.producer] = lane.end;
  return ends;
}

// Persisters that die while they recover. One that gets through goes on as journal_.
void History::interrupted_recoveries() {
  for (std::uint64_t times = random_.one_in(2) ? random_.between(1, 3) : 0; times > 0; --times) {
    const auto kind = static_cast<Crash>(random_.below(3));
    const std::uint64_t life = medium_->life();
    medium_->crash_after(random_.between(1, random_.one_in(2) ? 20 : 80), kind);
    auto opened = open_on(medium_, watch_.watch());
    if (opened && medium_->life() == life) {
      medium_->crash_after(0, kind);
      journal_.emplace(std::move(*opened));
      return;
    }
    if (medium_->life() == life && opened.error().code() == Errc::no_space) {
      medium_->crash_after(0, kind);
      closed_ = false;
      return;
    }
    if (medium_->life() == life) {
      broken("open: " + std::string(opened.error().sentence()));
      return;
    }
    ++counts_.crashes_in_recovery;
    closed_ = false;
    shared_memory_ = kind == Crash::kill && shared_memory_;
  }
}

void History::open() {
  building_ = {};
  for (SimLane& lane : lanes_)
    lane.part_offset = 0;
  if (random_.one_in(2)) medium_->settle(false);
  medium_->faults = {.stuck = 10};

  // (4) what a recovery finds on a fork of a world in which nothing is open any more.
  std::optional<Ends> expected;
  if (certain_ && random_.one_in(2)) {
    const auto fork = std::make_shared<SimulatedMedium>(*medium_);
    if (const auto first = open_on(fork)) expected = ends_of(*first);
  } else if (random_.one_in(2)) {
    medium_->faults.heal = 200;
  }
  by_memory_ = shared_memory_ && settings_.facts.durability == Durability::buffered;
  watch_.let_withdraw(by_memory_);
  interrupted_recoveries();
  if (!good()) return;
  if (!journal_) {
    auto opened = open_on(medium_, watch_.watch());
    if (!opened && opened.error().code() == Errc::no_space) {
      ++counts_.full;
      closed_ = false;
      medium_->capacity += 4 * settings_.options.segment_bytes;
      opened = open_on(medium_, watch_.watch());
    }
    if (!opened) {
      const bool damaged = opened.error().code() == Errc::damaged;
      return broken(sentence("{}{}", opened.error().sentence(),
                             damaged ? " (a legal crash: check 2)" : " (open)"));
    }
    journal_.emplace(std::move(*opened));
  }
  watch_.let_withdraw(false);
  ++counts_.recoveries;
  if (expected && *expected != ends_of(*journal_)) broken("two recoveries differ (check 4)");
  if (good()) check_recovery();
}

void History::check_recovery() {
  const RecoveryReport& report = journal_->recovery();
  counts_.cut_items += report.cut_items;
  if (by_memory_) watch_.withdraw(report.end);
  if (report.end < watch_.promised()) {
    return broken(sentence("recovery ends at item {}, item {} was reported (check 1)", report.end,
                           watch_.promised()));
  }
  if (journal_->durable() < report.end) return broken("durable() is below the recovered end");
  if (closed_ && !report.clean) return broken("a clean end is not recognised");
  if (const std::string wrong = watch_.promise(journal_->durable(), report.end); !wrong.empty()) {
    return broken(wrong);
  }
  watch_.cut(journal_->stats().submitted);
  // A number may have been written by several lives; only one of them was accepted.
  std::erase_if(contributions_, [&](const auto& one) {
    return one.first > report.end || watch_.segment_of(one.first) != one.second.segment;
  });
  for (SimLane& lane : lanes_) {
    const auto found = std::ranges::find(journal_->lanes(), lane.producer, &JournalLane::producer);
    check_lane(lane, found == journal_->lanes().end() ? nullptr : &*found);
  }
  check_acknowledgements();
  closed_ = false;
  if (good()) check_messages(medium_);
  if (good()) attach();
}

void History::check_lane(SimLane& lane, const JournalLane* found) {
  const Sequence end = found == nullptr ? 0 : found->end;
  const auto index = static_cast<std::size_t>(&lane - lanes_.data());
  Sequence carried = 0;  // by the accepted items
  for (const auto& [number, contribution] : contributions_) {
    for (const Share& share : contribution.shares) {
      if (share.lane == index) carried = std::max(carried, share.to);
    }
  }
  if (end < lane.durable) {
    broken(sentence("{} ends at {}, {} was reported (check 1)", lane.producer, end, lane.durable));
  } else if (end != carried) {
    broken(sentence("{} ends at {}, the accepted items carry it to {} (check 5)", lane.producer,
                    end, carried));
  } else if (shared_memory_ && lane.floor > end) {
    broken(sentence("{}: messages {} to {} are in no log and no ring (check 1)", lane.producer, end,
                    lane.floor));
  } else if (found != nullptr && carried != 0 && found->epoch > lane.epoch) {
    broken(lane.producer + " is of another life than was written (check 5)");
  }
  if (!good()) return;
  if (!shared_memory_) return lane.begin_life(end);
  lane.copied = lane.durable = lane.floor = end;
}

void History::check_acknowledgements() {
  for (auto& [subscription, known] : acknowledged_) {
    const auto& [name, index] = subscription;
    Sequence carried = 0;
    for (const auto& [number, contribution] : contributions_) {
      const auto found = contribution.acknowledgements.find(subscription);
      if (found != contribution.acknowledgements.end()) carried = found->second;
    }
    const auto lane =
        std::ranges::find(journal_->lanes(), lanes_[index].producer, &JournalLane::producer);
    if (lane == journal_->lanes().end()) continue;
    // A head's snapshot may say it before the item that was to carry it does.
    const Sequence is = journal_->acknowledged(name, lane->id).value_or(0);
    if (is < carried || (is < known.reported && !by_memory_) || is > known.submitted) {
      broken(
          sentence("{} acknowledged {} of {}, {} was written, {} reported, {} asked for (check 7)",
                   name, is, lane->producer, carried, known.reported, known.submitted));
    }
    if (is > lane->end) broken("an acknowledgement beyond the recovered end (check 7)");
    known.submitted = is;
    known.reported = carried;
  }
}

void History::attach() {
  for (SimLane& lane : lanes_) {
    const auto id =
        journal_->lane(lane.channel, lane.channel_name, lane.producer, lane.epoch, lane.copied);
    if (!id) return broken("lane: " + std::string(id.error().sentence()));
    lane.id = *id;
  }
  shared_memory_ = true;
}

// Of the messages that the live items hold, the first one that is there from its beginning.
Sequence History::first_in_log(std::size_t index) const {
  for (const ItemNumber number : watch_.live()) {
    const auto contribution = contributions_.find(number);
    if (contribution == contributions_.end()) continue;
    for (const Share& share : contribution->second.shares) {
      if (share.lane == index && !share.begins_inside) return share.from;
    }
  }
  return lanes_[index].durable;
}

// Every message of the live log, byte by byte, through the reader.
void History::check_messages(const std::shared_ptr<SimulatedMedium>& medium) {
  auto reader =
      JournalReader::open(std::make_unique<SimulatedDisk>(medium, SimulatedDisk::Role::reader));
  if (!reader) return broken("reader: " + std::string(reader.error().sentence()));
  std::map<JournalLaneId, std::size_t> index_of;
  for (const JournalLane& lane : journal_->lanes()) {
    const auto found = std::ranges::find(lanes_, lane.producer, &SimLane::producer);
    if (found == lanes_.end()) return broken("a lane that nobody made: " + lane.producer);
    index_of[lane.id] = static_cast<std::size_t>(found - lanes_.begin());
  }
  std::vector<Sequence> next;
  for (std::size_t index = 0; index < lanes_.size(); ++index)
    next.push_back(first_in_log(index));
  const auto skip = [&](std::size_t index) {
    const SimLane& lane = lanes_[index];
    Sequence& at = next[index];
    for (bool moved = true; moved && at < lane.durable;) {
      moved = false;
      for (const SimLane::Gap& gap : lane.gaps) {
        if (at < gap.from || at >= gap.to || at >= lane.durable) continue;
        at = gap.to;
        moved = true;
      }
      if (at < lane.durable && lane.plan(at).aborted) ++at, moved = true;
    }
  };
  for (;;) {
    auto message = reader->next();
    if (!message) return broken("reader: " + std::string(message.error().sentence()));
    if (!*message) break;
    const auto found = index_of.find((*message)->lane);
    if (found == index_of.end()) return broken("the reader names an unknown lane");
    const SimLane& lane = lanes_[found->second];
    skip(found->second);
    Sequence& at = next[found->second];
    if ((*message)->sequence != at) {
      return broken(sentence("the reader gives {} of {}, {} is next (check 5)",
                             (*message)->sequence, lane.producer, at));
    }
    if ((*message)->key != lane.plan(at).key() || !lane.same_payload(at, (*message)->bytes)) {
      return broken(sentence("message {} of {} has other bytes (check 5)", at, lane.producer));
    }
    ++at;
    ++counts_.messages_read;
  }
  for (std::size_t index = 0; index < lanes_.size(); ++index) {
    skip(index);
    if (next[index] == lanes_[index].durable) continue;
    return broken(sentence("the reader ends {} at {} of {} (check 1)", lanes_[index].producer,
                           next[index], lanes_[index].durable));
  }
}

}  // namespace millrace::sim
