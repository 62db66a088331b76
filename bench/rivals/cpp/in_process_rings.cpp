// Rings of fixed-size slots between two threads of one process: they map nothing, name nothing and
// survive no crash. 256 KiB of payload each, as the rings of millrace-bench.
#include "drive.hpp"

#ifdef MILLRACE_HAVE_ATOMIC_QUEUE
// It says memory_order_acquire without std::, and is told once more by its own documentation that
// the types need a default constructor.
#include <atomic_queue/atomic_queue.h>
#endif
#ifdef MILLRACE_HAVE_MOODYCAMEL
#include <concurrentqueue/concurrentqueue.h>
#endif
#include <boost/lockfree/spsc_queue.hpp>

namespace millrace::rivals {

namespace {

template <std::size_t kBytes>
struct Payload {
  std::byte bytes[kBytes];
};

template <std::size_t kBytes>
inline constexpr std::size_t kSlots = std::max<std::size_t>(16, (256U << 10) / kBytes);

// Each adapter has push and pop of a Payload, both one attempt.
template <std::size_t kBytes>
struct BoostRing {
  bool push(const Payload<kBytes>& payload) { return ring.push(payload); }

  bool pop(Payload<kBytes>& payload) { return ring.pop(payload); }

  boost::lockfree::spsc_queue<Payload<kBytes>, boost::lockfree::capacity<kSlots<kBytes>>> ring;
};

#ifdef MILLRACE_HAVE_ATOMIC_QUEUE
// Its single-producer single-consumer form, maximised throughput, as its README's benchmarks.
template <std::size_t kBytes>
struct AtomicRing {
  bool push(const Payload<kBytes>& payload) { return ring.try_push(payload); }

  bool pop(Payload<kBytes>& payload) { return ring.try_pop(payload); }

  atomic_queue::AtomicQueue2<Payload<kBytes>, kSlots<kBytes>, true, true, false, true> ring;
};
#endif

#ifdef MILLRACE_HAVE_MOODYCAMEL
// With the tokens that its documentation recommends. try_enqueue keeps the queue bounded.
template <std::size_t kBytes>
struct MoodycamelRing {
  using Queue = moodycamel::ConcurrentQueue<Payload<kBytes>>;

  bool push(const Payload<kBytes>& payload) { return ring.try_enqueue(producer, payload); }

  bool pop(Payload<kBytes>& payload) { return ring.try_dequeue(consumer, payload); }

  Queue ring{kSlots<kBytes> + 2 * Queue::BLOCK_SIZE};
  moodycamel::ProducerToken producer{ring};
  moodycamel::ConsumerToken consumer{ring};
};
#endif

template <template <std::size_t> class Ring, std::size_t kBytes>
class RingEnd {
 public:
  explicit RingEnd(Ring<kBytes>& ring) : ring_(ring) {}

  void send(const std::byte* message) {
    Payload<kBytes> payload;
    std::memcpy(payload.bytes, message, kBytes);
    while (!ring_.push(payload)) {
    }
  }

  bool take(std::byte* out) {
    Payload<kBytes> payload;
    if (!ring_.pop(payload)) return false;
    std::memcpy(out, payload.bytes, kBytes);
    return true;
  }

 private:
  Ring<kBytes>& ring_;
};

template <template <std::size_t> class Ring, std::size_t kBytes>
class RingRival {
 public:
  explicit RingRival(const Setup&) {}

  RingEnd<Ring, kBytes> sender(const std::string& name) { return end(name); }

  RingEnd<Ring, kBytes> receiver(const std::string& name) { return end(name); }

 private:
  RingEnd<Ring, kBytes> end(const std::string& name) {
    return RingEnd<Ring, kBytes>(name == "there" ? *there_ : *back_);
  }

  std::unique_ptr<Ring<kBytes>> there_ = std::make_unique<Ring<kBytes>>();
  std::unique_ptr<Ring<kBytes>> back_ = std::make_unique<Ring<kBytes>>();
};

template <template <std::size_t> class Ring>
[[noreturn]] void drive_ring(int argc, char** argv) {
  const std::string bytes = argc > 5 ? argv[5] : "";
  if (bytes == "32") drive<RingRival<Ring, 32>>(argc, argv);
  if (bytes == "1024") drive<RingRival<Ring, 1024>>(argc, argv);
  if (bytes == "65536") drive<RingRival<Ring, 65536>>(argc, argv);
  give_up("slots of 32, 1024 or 65536 bytes are compiled in");
}

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  using namespace millrace::rivals;
  const std::string rival = argc > 1 ? argv[1] : "";
  if (rival == "boost-lockfree") drive_ring<BoostRing>(argc, argv);
#ifdef MILLRACE_HAVE_ATOMIC_QUEUE
  if (rival == "atomic-queue") drive_ring<AtomicRing>(argc, argv);
#endif
#ifdef MILLRACE_HAVE_MOODYCAMEL
  if (rival == "moodycamel") drive_ring<MoodycamelRing>(argc, argv);
#endif
  give_up("its header was not there when this driver was built");
}
