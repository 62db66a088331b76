#include "uring_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <sys/uio.h>
#include <thread>
#include <vector>

namespace millrace {
namespace {

using std::chrono::steady_clock;

// The ring's table of files: the lock, then the open files at their places.
constexpr unsigned kLockPlace = 0;
constexpr unsigned kFilePlaces = 1;
// What a completion belongs to: an operation by its index, or the poll of the event.
constexpr std::uint64_t kEventData = ~std::uint64_t{0};
// The poll takes a place of its own.
constexpr unsigned kEntries = 2 * UringDisk::kOperationsMax;
// Leaving waits this long for its own writes; then the registered lock outlives us.
constexpr std::chrono::seconds kDrainMax{2};
constexpr std::uint64_t kDrainStepNs = 100'000'000;
constexpr std::chrono::milliseconds kRefusedPause{1};

}  // namespace

Result<std::unique_ptr<Uring>> UringDisk::make_ring() {
  return Uring::make(kEntries, kFilePlaces + static_cast<unsigned>(SlotFiles::kOpenMax));
}

UringDisk::UringDisk(DiskPlace place, std::unique_ptr<DoneQueue> done, std::unique_ptr<Uring> ring)
    : FileDisk(std::move(place), std::move(done)), ring_(std::move(ring)) {
  completed_.reserve(2 * kOperationsMax);
}

UringDisk::~UringDisk() {
  if (foreign()) return;
  drain();
  stop_preparing();
  // The kernel takes its time to let go of a ring. With nothing in flight there is no reason to
  // let a successor wait for that.
  if (in_flight_ == 0) log_lock().give_back();
}

Result<void> UringDisk::lock(bool (*waiting)(void* context, const Error& why), void* context) {
  if (auto taken = FileDisk::lock(waiting, context); !taken) return taken;
  const int refused = ring_->set_file(kLockPlace, log_lock().fd());
  if (refused == 0) return {};
  return fail_os(-refused, "cannot tie the lock of the journal %s to its writes",
                 files().path().c_str());
}

Result<void> UringDisk::make_buffers(std::size_t count, std::size_t bytes) {
  if (auto made = FileDisk::make_buffers(count, bytes); !made) return made;
  std::vector<iovec> pieces(count);
  for (std::size_t index = 0; index < count; ++index)
    pieces[index] = {buffers().at(index).data(), buffers().at(index).size()};
  const int refused = ring_->register_buffers(pieces);
  buffers_registered_ = refused == 0;
  if (refused == -ENOMEM || refused == -EPERM) {
    note(
        "buffers are not registered with io_uring, each write pins its pages anew: raise the limit "
        "of locked memory (ulimit -l, LimitMEMLOCK=) to " +
        std::to_string((buffers().all().size() + 1023) / 1024) + " KiB or more");
  } else if (refused != 0) {
    note("buffers are not registered with io_uring: this kernel refuses it, error " +
         std::to_string(-refused));
  }
  return {};
}

int UringDisk::show_file(const SlotFiles::Open& opened) noexcept {
  if (shown_[opened.place] == opened.serial) return 0;
  const int refused = ring_->set_file(kFilePlaces + opened.place, opened.file->get());
  if (refused == 0) shown_[opened.place] = opened.serial;
  return refused;
}

WriteOperation* UringDisk::begin(std::uint64_t id, File file) noexcept {
  SlotFiles::Open opened;
  int refused = broken_;
  if (refused == 0) refused = open_for_write(file, opened);
  if (refused == 0) refused = show_file(opened);
  const auto place = std::ranges::find(busy_, false);
  if (refused == 0 && place == busy_.end()) refused = -EBUSY;
  if (refused != 0) {
    completed_.push_back({id, refused});
    return nullptr;
  }
  *place = true;
  ++in_flight_;
  WriteOperation& operation = operations_[static_cast<std::size_t>(place - busy_.begin())];
  operation = WriteOperation{};
  operation.id = id;
  operation.file = file;
  operation.target = std::move(opened);
  return &operation;
}

void UringDisk::end(WriteOperation& operation, std::int64_t result) noexcept {
  completed_.push_back({operation.id, result});
  operation.target = {};
  busy_[static_cast<std::size_t>(&operation - operations_.data())] = false;
  --in_flight_;
}

void UringDisk::start(WriteOperation& operation) noexcept {
  io_uring_sqe* const entry = ring_->next();
  if (entry == nullptr) return end(operation, -EBUSY);  // twice as many entries as operations
  const int place = static_cast<int>(kFilePlaces + operation.target.place);
  const std::span<const std::byte> rest = operation.rest();
  const auto bytes = static_cast<unsigned>(rest.size());
  if (operation.flush) {
    io_uring_prep_fsync(entry, place, IORING_FSYNC_DATASYNC);
  } else if (buffers_registered_) {
    io_uring_prep_write_fixed(entry, place, rest.data(), bytes, operation.rest_offset(),
                              static_cast<int>(operation.buffer));
  } else {
    io_uring_prep_write(entry, place, rest.data(), bytes, operation.rest_offset());
  }
  if (operation.dsync) entry->rw_flags = RWF_DSYNC;
  entry->flags |= IOSQE_FIXED_FILE;
  entry->user_data = static_cast<std::uint64_t>(&operation - operations_.data());
  const int refused = ring_->submit();
  // "Try again" leaves the entry where it is: wait() submits it.
  if (refused != 0 && refused != -EAGAIN && refused != -EBUSY) break_off(refused);
}

// The ring takes nothing more. What the kernel has may still land: unknown, as an error says.
void UringDisk::break_off(int refused) noexcept {
  broken_ = refused;
  for (std::size_t index = 0; index < kOperationsMax; ++index) {
    if (busy_[index]) completed_.push_back({operations_[index].id, refused});
    busy_[index] = false;
  }
}

void UringDisk::write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
                      std::size_t bytes, bool durable) noexcept {
  if (foreign()) return;
  const std::span<std::byte> from = buffers().at(index);
  if (bytes == 0 || bytes > from.size()) return completed_.push_back({id, -EINVAL});
  WriteOperation* const operation = begin(id, file);
  if (operation == nullptr) return;
  operation->bytes = from.first(bytes);
  operation->buffer = index;
  operation->offset = offset;
  operation->dsync = durable && facts().durability == Durability::dsync;
  start(*operation);
}

void UringDisk::flush(std::uint64_t id, File file) noexcept {
  if (foreign()) return;
  WriteOperation* const operation = begin(id, file);
  if (operation == nullptr) return;
  operation->flush = true;
  start(*operation);
}

void UringDisk::forget_file(File file) noexcept {
  const auto place = files().forget(file);
  if (!place || shown_[*place] == 0) return;
  shown_[*place] = 0;
  // Else the ring would keep a removed file, and its space.
  static_cast<void>(ring_->set_file(kFilePlaces + *place, -1));
}

void UringDisk::prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept {
  if (foreign()) return;
  forget_file(file);
  FileDisk::prepare(id, file, bytes);
  ++preparing_;
  watch_preparation();
}

Result<void> UringDisk::remove(File file) {
  if (!foreign()) forget_file(file);
  return FileDisk::remove(file);
}

void UringDisk::watch_preparation() noexcept {
  if (watching_ || preparing_ == 0 || broken_ != 0) return;
  io_uring_sqe* const entry = ring_->next();
  if (entry == nullptr) return;
  io_uring_prep_poll_add(entry, done().event(), POLLIN);
  entry->user_data = kEventData;
  watching_ = true;
  static_cast<void>(ring_->submit());
}

void UringDisk::take_completion(std::uint64_t data, std::int64_t result) noexcept {
  if (data == kEventData) {
    watching_ = false;
    return;
  }
  if (data >= kOperationsMax || !busy_[data]) return;
  WriteOperation& operation = operations_[data];
  if (const auto outcome = operation.take(result, facts().block_bytes)) {
    end(operation, *outcome);
  } else if (const int refused = show_file(operation.target); refused != 0) {
    // Another file may have got its place meanwhile, and the rest is not for that one.
    end(operation, refused);
  } else {
    start(operation);
  }
}

void UringDisk::reap() noexcept {
  while (io_uring_cqe* const completion = ring_->peek()) {
    const std::uint64_t data = completion->user_data;
    const std::int64_t result = completion->res;
    ring_->seen(completion);
    take_completion(data, result);
  }
}

std::size_t UringDisk::take_done(std::span<Done> into) noexcept {
  const std::size_t own = std::min(into.size(), completed_.size());
  std::copy_n(completed_.begin(), own, into.begin());
  completed_.erase(completed_.begin(), completed_.begin() + static_cast<std::ptrdiff_t>(own));
  const std::size_t prepared = preparing_ == 0 ? 0 : done().take(into.subspan(own));
  preparing_ -= prepared;
  return own + prepared;
}

std::size_t UringDisk::wait(std::span<Done> into, std::uint64_t timeout_ns) noexcept {
  if (foreign() || into.empty()) return 0;
  const auto begun = steady_clock::now();
  for (std::uint64_t left = timeout_ns;;) {
    std::size_t count = take_done(into);
    if (count != 0) return count;
    watch_preparation();
    const int outcome = broken_ != 0 ? broken_ : ring_->wait(left);
    reap();
    count = take_done(into);
    if (count != 0 || timeout_ns == 0) return count;
    // The kernel is out of memory for a moment, or for good.
    const bool came_or_timed_out = outcome == 0 || outcome == -ETIME || outcome == -EINTR;
    if (!came_or_timed_out) std::this_thread::sleep_for(kRefusedPause);
    const auto passed =
        static_cast<std::uint64_t>(std::chrono::nanoseconds(steady_clock::now() - begun).count());
    if (passed >= timeout_ns) return 0;
    left = timeout_ns - passed;
  }
}

void UringDisk::drain() noexcept {
  const auto until = steady_clock::now() + kDrainMax;
  while (in_flight_ != 0 && broken_ == 0 && steady_clock::now() < until) {
    static_cast<void>(ring_->wait(kDrainStepNs));
    reap();
  }
}

}  // namespace millrace
