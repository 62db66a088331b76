// What publishers replay: a file, or whatever stdin or a pipe delivers, line by line. The parent
// opens it once and finds the lines once; the publishers get both as open descriptors, so all of
// them replay the same bytes even if the name is given to another file meanwhile.
//
// A message is a line without its '\n'. Nothing else is touched: zero bytes, '\r' and empty lines
// are messages as they are, and the last line needs no '\n'.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools {

// The parent's side.
class RunInput {
 public:
  // `name`: a path, or "-" for stdin. Errors: what cannot be opened or is a directory.
  [[nodiscard]] static Result<RunInput> open(const std::string& name);

  // Reads it if it is no ordinary file (into memory), and finds the lines. Errors: empty, no memory
  // for it, or interrupted by a request to end.
  [[nodiscard]] Result<void> read();

  // Whether the longest line, with `frame_bytes` before it, fits a ring. The sentence names the
  // line and the ring it needs.
  [[nodiscard]] Result<void> check_fits(std::uint64_t ring_bytes, std::size_t frame_bytes) const;

  [[nodiscard]] int data_fd() const noexcept { return data_.get(); }

  // A memory file of one std::uint32_t per line: its length.
  [[nodiscard]] int lengths_fd() const noexcept { return lengths_.get(); }

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }

 private:
  RunInput(std::string name, Descriptor data, std::uint64_t bytes) noexcept;

  Result<void> spool();
  Result<void> index();

  std::string name_;
  Descriptor data_;
  Descriptor lengths_;
  std::uint64_t bytes_;
  std::uint64_t lines_ = 0;
  std::uint64_t longest_ = 0;
  std::uint64_t longest_line_ = 0;  // its number, from 1
};

// A read-only mapping of a descriptor's bytes, populated. Move-only.
class MappedBytes {
 public:
  [[nodiscard]] static Result<MappedBytes> map(int fd, std::uint64_t bytes);

  MappedBytes(MappedBytes&& other) noexcept;
  MappedBytes& operator=(MappedBytes&&) = delete;
  ~MappedBytes();

  [[nodiscard]] const std::byte* data() const noexcept { return data_; }

 private:
  MappedBytes(const std::byte* data, std::size_t bytes) noexcept : data_(data), bytes_(bytes) {}

  const std::byte* data_;
  std::size_t bytes_;
};

}  // namespace millrace::tools
