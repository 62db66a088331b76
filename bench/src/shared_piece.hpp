// A piece of shared memory of its own, with a T in it: for processes that are forked later.
#pragma once

#include "millrace/core/result.hpp"

#include <cerrno>
#include <memory>
#include <new>
#include <sys/mman.h>

namespace millrace::bench {

template <class T>
class SharedPiece {
 public:
  SharedPiece() noexcept = default;

  [[nodiscard]] static Result<SharedPiece> make() noexcept {
    void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return fail_os(errno, "cannot share %zu bytes of memory", sizeof(T));
    SharedPiece piece;
    piece.piece_.reset(new (memory) T());
    return piece;
  }

  T& operator*() const noexcept { return *piece_; }

  T* operator->() const noexcept { return piece_.get(); }

 private:
  struct Unmap {
    void operator()(T* piece) const noexcept { munmap(piece, sizeof(T)); }
  };

  std::unique_ptr<T, Unmap> piece_;
};

}  // namespace millrace::bench
