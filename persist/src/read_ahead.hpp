// Reads a slot in advance: while one piece is being checked, other threads read the next ones, so
// that the device has as many reads in flight as it needs to be busy. One read at a time leaves a
// device idle for as long as the check takes, and makes half of what it could.
//
// Thread rules: one thread; the threads that read are its own. In a forked child nothing is read in
// advance, and destroying it is harmless.
#pragma once

#include "millrace/core/fork_guard.hpp"
#include "millrace/persist/disk.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace millrace {

class ReadAhead {
 public:
  static constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20;
  // What is being checked, and three that are on their way: direct reads gain nothing from more.
  static constexpr std::size_t kPieces = 4;

  explicit ReadAhead(Disk& disk) noexcept;

  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  // The slot's bytes from `offset` on, at most kPieceBytes of them, valid until the next call. Goes
  // on reading from there to `slot_bytes`, its end. Empty: they cannot be had this way; read them
  // otherwise, and be told the reason.
  std::span<const std::byte> next(Disk::File slot, std::uint64_t offset, std::uint64_t slot_bytes);

  // What was read may have changed since.
  void forget();

 private:
  class Readers;

  bool begin();

  ForkGuard guard_;
  Disk* disk_;
  bool refused_ = false;  // this disk has no second hand, or there is no memory
  std::unique_ptr<Readers> readers_;
};

}  // namespace millrace
