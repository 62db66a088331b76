#include "grounds.hpp"

#include "millrace/core/limits.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

Result<LaneGround> make_lane() {
  LaneGround ground;
  ground.file = Descriptor(memfd_create("millrace-bench-lane", MFD_CLOEXEC));
  if (!ground.file.valid()) return fail_os(errno, "cannot make memory for a core lane");
  if (ftruncate(ground.file.get(), static_cast<off_t>(kPageBytes + kRingBytes)) != 0) {
    return fail_os(errno, "cannot make %zu bytes of memory for a core lane",
                   static_cast<std::size_t>(kPageBytes + kRingBytes));
  }
  auto places = SharedPiece<BareWords>::make();
  if (!places) return Failure(places.error());
  ground.places = std::move(*places);
  return ground;
}

template <class T>
Result<void> fill(SharedPiece<T>& piece) {
  auto made = SharedPiece<T>::make();
  if (!made) return Failure(made.error());
  piece = std::move(*made);
  return {};
}

// Up to the first that cannot be had.
template <class... T>
Result<void> fill_all(SharedPiece<T>&... pieces) {
  Result<void> made;
  (void)((made = fill(pieces), made.has_value()) && ...);
  return made;
}

}  // namespace

Result<Grounds> Grounds::make(std::string domain_path) {
  Grounds grounds;
  grounds.domain = std::move(domain_path);
  Result<void> made = fill_all(
      grounds.orders, grounds.bare, grounds.bare_pause, grounds.bare_walk, grounds.bare_null,
      grounds.fixed, grounds.fixed_null, grounds.sequencer, grounds.boost_there, grounds.boost_back,
      grounds.boost_stream, grounds.boost_stream_run, grounds.copy_1k, grounds.copy_1k_null,
      grounds.copy_64k, grounds.copy_64k_null, grounds.futex, grounds.futex_null);
  if (!made) return Failure(made.error());
  for (LaneGround& lane : grounds.lanes) {
    auto ground = make_lane();
    if (!ground) return Failure(ground.error());
    lane = std::move(*ground);
  }
  return grounds;
}

}  // namespace millrace::bench
