// Checkpoints::write against Checkpoints::newest and at_or_before on simulated memory: a pair that
// a reader takes was written as a pair, also while the writer reuses the slots round and round.
//
// covers: core/include/millrace/core/checkpoints.hpp Checkpoints::write
// covers: core/include/millrace/core/checkpoints.hpp Checkpoints::newest
// covers: core/include/millrace/core/checkpoints.hpp Checkpoints::at_or_before
#include "model_verdict.hpp"

namespace millrace::model {
namespace {

enum class Twin : std::uint8_t {
  none,
  relaxed_version,       // the store that reveals a slot
  relaxed_version_load,  // the load that finds it
  no_release_fence,      // before a slot is overwritten
  no_acquire_fence,      // before the second look at the version
};

constexpr Missing missing_in(Twin twin) {
  if (twin == Twin::no_release_fence) return Missing::release_fence;
  return twin == Twin::no_acquire_fence ? Missing::acquire_fence : Missing::nothing;
}

template <Twin kTwin>
struct CheckpointSuite : rl::test_suite<CheckpointSuite<kTwin>, 2> {
  using Memory = ModelMemory<missing_in(kTwin)>;
  using Table = Checkpoints<Memory>;

  // The slots were used once before the two meet, and are all used again meanwhile.
  static constexpr Sequence kBefore = ModelRing::kSlots - 2;
  static constexpr Sequence kAll = kBefore + 4;

  ModelRing ring;
  ModelLane lane{ring};

  void before() {
    if (kTwin == Twin::relaxed_version) ring.version.weaken_stores();
    if (kTwin == Twin::relaxed_version_load) ring.version.weaken_loads();
    write(1, kBefore);
  }

  void thread(unsigned who) {
    if (who == 0) {
      write(kBefore + 1, kAll);
    } else {
      for (int look = 0; look < 2; ++look) {
        check(Table::newest(lane), 1);
        check(Table::at_or_before(lane, 2), 1);
      }
    }
  }

  void after() { RL_ASSERT(Table::newest(lane)->sequence == kAll); }

  void write(Sequence from, Sequence to) {
    for (Sequence sequence = from; sequence <= to; ++sequence) {
      Table::write(lane, {sequence * 24, sequence});
    }
  }

  void check(std::optional<Checkpoint> seen, Sequence least) {
    if (!seen) return;  // its slot was reused meanwhile
    RL_ASSERT(seen->sequence >= least && seen->position == seen->sequence * 24);
  }
};

}  // namespace

int run() {
  Verdict verdict;
  verdict.must_pass<CheckpointSuite<Twin::none>>("checkpoints");
  verdict.must_be_caught<CheckpointSuite<Twin::relaxed_version>>("checkpoints: relaxed reveal");
  verdict.must_be_caught<CheckpointSuite<Twin::relaxed_version_load>>("checkpoints: relaxed find");
  verdict.must_be_caught<CheckpointSuite<Twin::no_release_fence>>("checkpoints: no release fence");
  verdict.must_be_caught<CheckpointSuite<Twin::no_acquire_fence>>("checkpoints: no acquire fence");
  return verdict.exit_code();
}

}  // namespace millrace::model

int main() {
  return millrace::model::run();
}
