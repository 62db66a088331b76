#include "grounds.hpp"

#include "millrace/core/limits.hpp"

#include <cerrno>
#include <new>
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

}  // namespace

template <class T>
Result<SharedPiece<T>> SharedPiece<T>::make() noexcept {
  void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail_os(errno, "cannot share %zu bytes of memory", sizeof(T));
  }
  SharedPiece piece;
  piece.piece_.reset(new (memory) T());
  return piece;
}

template <class T>
void SharedPiece<T>::Unmap::operator()(T* piece) const noexcept {
  munmap(piece, sizeof(T));
}

template class SharedPiece<Orders>;
template class SharedPiece<BareWords>;
template class SharedPiece<FixedRing>;
template class SharedPiece<BoostRing>;

Result<Grounds> Grounds::make(std::string domain_path) {
  Grounds grounds;
  grounds.domain = std::move(domain_path);
  Result<void> made = fill(grounds.orders);
  for (auto* piece : {&grounds.bare, &grounds.bare_null}) {
    if (made) made = fill(*piece);
  }
  for (auto* piece : {&grounds.fixed, &grounds.fixed_null, &grounds.sequencer}) {
    if (made) made = fill(*piece);
  }
  for (auto* piece : {&grounds.boost_there, &grounds.boost_back, &grounds.boost_stream,
                      &grounds.boost_stream_run}) {
    if (made) made = fill(*piece);
  }
  if (!made) return Failure(made.error());
  for (LaneGround& lane : grounds.lanes) {
    auto ground = make_lane();
    if (!ground) return Failure(ground.error());
    lane = std::move(*ground);
  }
  return grounds;
}

}  // namespace millrace::bench
