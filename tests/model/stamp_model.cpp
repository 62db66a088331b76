// StampWriter against StampReader on simulated memory: a record that a reader takes for whole is
// one that was written, also while its slot is being overwritten, and a stamp that is added later
// goes into no other record.
//
// covers: core/include/millrace/core/stamp_ring.hpp StampWriter::write
// covers: core/include/millrace/core/stamp_ring.hpp StampWriter::add
// covers: core/include/millrace/core/stamp_ring.hpp StampReader::read
#include "millrace/core/stamp_ring.hpp"
#include "model_verdict.hpp"

namespace millrace::model {
namespace {

enum class Twin : std::uint8_t {
  none,
  relaxed_words,       // the stores of a record's words
  relaxed_reveal,      // the store of the version that makes it whole
  relaxed_look,        // the loads of the words
  relaxed_first_look,  // the load of the version
};

struct ModelSlot {
  ModelWord version;
  ModelWord sequence;
  ModelWord lane;
  ModelWord length;
  ModelWord epoch;
  std::array<ModelWord, layout::kStampsPerRecord> stamps;
};

struct ModelStamps {
  [[nodiscard]] std::uint64_t slots() const { return 1; }

  [[nodiscard]] ModelSlot& slot(std::uint64_t) const { return *only; }

  ModelSlot* only;
};

template <Twin kTwin>
struct StampSuite : rl::test_suite<StampSuite<kTwin>, 2> {
  static constexpr std::uint64_t kRecords = 3;

  ModelSlot slot;

  void before() {
    if (kTwin == Twin::relaxed_reveal) slot.version.weaken_stores();
    if (kTwin == Twin::relaxed_first_look) slot.version.weaken_loads();
    for (ModelWord* const word : {&slot.sequence, &slot.stamps[0], &slot.stamps[3]}) {
      if (kTwin == Twin::relaxed_words) word->weaken_stores();
      if (kTwin == Twin::relaxed_look) word->weaken_loads();
    }
  }

  void thread(unsigned who) {
    if (who == 0) {
      StampWriter<ModelStamps> writer(ModelStamps{&slot});
      for (std::uint64_t number = 0; number < kRecords; ++number) {
        writer.write({.number = 0,
                      .sequence = 10 + number,
                      .lane = 0,
                      .length = 0,
                      .epoch = 0,
                      .stamps = {20 + number, 0, 0, 0}});
        writer.add(number, 3, 30 + number);
        if (number != 0) writer.add(number - 1, 3, 99);  // overwritten: goes nowhere
      }
    } else {
      const StampReader<ModelStamps> reader(ModelStamps{&slot});
      for (int look = 0; look < 2; ++look) {
        StampRecord record;
        if (reader.read(0, record) != StampReader<ModelStamps>::Found::whole) continue;
        RL_ASSERT(record.number < kRecords);
        RL_ASSERT(record.sequence == 10 + record.number);
        RL_ASSERT(record.stamps[0] == 20 + record.number);
        RL_ASSERT(record.stamps[3] == 0 || record.stamps[3] == 30 + record.number);
      }
    }
  }
};

}  // namespace

int run() {
  Verdict verdict;
  verdict.must_pass<StampSuite<Twin::none>>("stamps");
  verdict.must_be_caught<StampSuite<Twin::relaxed_words>>("stamps: relaxed words");
  verdict.must_be_caught<StampSuite<Twin::relaxed_reveal>>("stamps: relaxed reveal");
  verdict.must_be_caught<StampSuite<Twin::relaxed_look>>("stamps: relaxed look");
  verdict.must_be_caught<StampSuite<Twin::relaxed_first_look>>("stamps: relaxed first look");
  return verdict.exit_code();
}

}  // namespace millrace::model

int main() {
  return millrace::model::run();
}
