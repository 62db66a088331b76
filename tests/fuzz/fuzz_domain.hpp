// A domain of the fuzz target's own, with channels whose files it replaces by its input.
#pragma once

#include "fuzz_target.hpp"
#include "millrace/transport/domain.hpp"
#include "support/scratch_directory.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace::fuzz {

class FuzzDomain {
 public:
  // With the channels "block", "evict" and "lossy": rings of 4 KiB, four lanes.
  FuzzDomain();

  // Makes CHANNEL/NAME (or NAME in the domain, for an empty channel) a new file of these bytes.
  void put(const std::string& channel, const std::string& name,
           std::span<const std::uint8_t> bytes);
  void remove(const std::string& channel, const std::string& name);
  [[nodiscard]] Bytes get(const std::string& channel, const std::string& name) const;

  // Removes all lanes of the channel and the locks that belong to them.
  void remove_lanes(const std::string& channel);

  [[nodiscard]] Domain& domain() noexcept { return *domain_; }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  [[nodiscard]] const std::string& path() const noexcept { return domain_->path(); }

 private:
  testing_support::ScratchDirectory scratch_;
  std::optional<Domain> domain_;
  Descriptor fd_;
};

// A text as the bytes of a message.
[[nodiscard]] inline std::span<const std::byte> message(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The header a file of this kind must have to be looked at any further, over whatever is there.
void repair_header(std::span<std::uint8_t> file, std::span<const std::uint8_t> valid);

// The first byte of an input chooses; the rest are the file's bytes.
struct Split {
  std::uint8_t choice = 0;
  Bytes file;
};

[[nodiscard]] Split split(const std::uint8_t* data, std::size_t bytes);
[[nodiscard]] Bytes join(std::uint8_t choice, const Bytes& file);

}  // namespace millrace::fuzz
