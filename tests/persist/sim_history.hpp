// One seed's life of a log: publishers, a persister that dies and is replaced up to four times,
// also in the middle of its recovery, and after every death the checks. Real code from
// Journal::open down to the bytes; only the disk, the rings and the time are simulated.
//
//   (1) what recovery accepts is contiguous and contains everything that was reported
//   (2) a legal crash is never called damage
//   (3) damage to something reported is, where a witness can be read; else the report says that the
//       window was possible
//   (4) a second recovery gives the same end and the same bytes
//   (5) no {lane, life, sequence} comes twice, no number is missing without a reason
//   (6) what is reported never goes back, and no power cut can take it
//   (7) no acknowledgement lies beyond the recovered end
//   (8) nothing that is needed is overwritten
//   (9) a poisoned log reports nothing
#pragma once

#include "sim_lane.hpp"
#include "sim_settings.hpp"
#include "sim_watch.hpp"
#include "simulated_disk.hpp"

#include <millrace/persist/journal.hpp>
#include <millrace/persist/journal_reader.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace::sim {

struct Counts {
  std::uint64_t histories = 0;
  std::uint64_t crashes[3] = {};  // by Crash
  std::uint64_t crashes_in_recovery = 0;
  std::uint64_t recoveries = 0;
  std::uint64_t clean_ends = 0;
  std::uint64_t poisoned = 0;
  std::uint64_t full = 0;
  std::uint64_t items = 0;
  std::uint64_t messages = 0;  // reported durable
  std::uint64_t messages_read = 0;
  std::uint64_t cut_items = 0;
  std::uint64_t damages = 0;
  std::uint64_t damages_unwitnessed = 0;

  void add(const Counts& other) noexcept;
};

class History {
 public:
  explicit History(std::uint64_t seed);

  // Empty: the log kept its word; else how it broke it.
  [[nodiscard]] std::string run();

  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  // What an item brings when it is durable.
  struct Share {
    std::size_t lane = 0;
    Sequence from = 0;
    Sequence to = 0;
    bool begins_inside = false;  // of message `from`
  };

  struct Acknowledged {
    Sequence submitted = 0;
    Sequence reported = 0;
  };

  using Subscription = std::pair<std::string, std::size_t>;  // and the lane's index

  struct Contribution {
    std::uint64_t segment = 0;  // that the item was written to
    std::vector<Share> shares;
    std::map<Subscription, Sequence> acknowledgements;
  };

  struct Ends {
    std::map<std::string, Sequence> lanes;  // by producer
    bool operator==(const Ends&) const = default;
  };

  // The first thing that goes wrong is what is said.
  void broken(const std::string& sentence) {
    if (verdict_.empty()) verdict_ = sentence;
  }

  [[nodiscard]] bool good() const noexcept { return verdict_.empty(); }

  // ---- epochs (sim_history.cpp) ----
  void epoch();
  void crash(Crash kind);
  void work();
  void step();
  void publish();
  void copy(std::size_t lane);
  bool copy_part(std::size_t lane);
  bool add_gap(std::size_t lane);
  void acknowledge();
  void submit();
  void refused_as_full(const Error& error);
  void make_room();
  void poll(std::uint64_t timeout_ns);
  void advance();
  void stay_poisoned();
  void end_epoch();

  // ---- recovery (sim_recovery.cpp) ----
  void open();

  [[nodiscard]] Result<Journal> open_on(const std::shared_ptr<SimulatedMedium>& medium,
                                        SimulatedDisk::Watch watch = {}) const;
  [[nodiscard]] std::vector<DurableWitness> witnesses() const;
  void interrupted_recoveries();
  void fork_recovery();
  void check_recovery();
  void check_lane(SimLane& lane, const JournalLane* found);
  void check_acknowledgements();
  void attach();
  void check_messages(const std::shared_ptr<SimulatedMedium>& medium);
  [[nodiscard]] Sequence first_in_log(std::size_t lane) const;
  [[nodiscard]] static Ends ends_of(const Journal& journal);

  // ---- damage (sim_damage.cpp) ----
  void plant_damage();
  bool damage(SimulatedMedium& medium, ItemNumber victim);

  std::uint64_t seed_;
  Random random_;
  Settings settings_;
  std::shared_ptr<SimulatedMedium> medium_;
  LogWatch watch_;
  std::vector<SimLane> lanes_;
  std::map<Subscription, Acknowledged> acknowledged_;
  std::map<ItemNumber, Contribution> contributions_;
  Contribution building_;
  std::optional<Journal> journal_;
  bool shared_memory_ = false;  // of the last life is still there
  bool certain_ = false;        // the medium holds nothing volatile and nothing in flight
  bool closed_ = false;         // the last life ended in good order
  bool poisoned_ = false;
  // In mode C shared memory's word is what counts while the boot lasts (D3): of items that moved no
  // lane it knows nothing, and acknowledgements stand in a file of their own.
  bool by_memory_ = false;
  Counts counts_;
  std::string verdict_;
};

}  // namespace millrace::sim
