// A domain is a directory. This opens it, makes it on demand, and refuses one in which somebody
// else could pull the ground from under its users.
//
// Which directory: the given path, else $MILLRACE_DIR, else /dev/shm/millrace-UID (mode 0700).
//
// The rule (the boundary of trust is the uid):
//   - it is a directory, not a symbolic link, and so is its participants/;
//   - it belongs to this user, to root, or to the uid that the caller names as trusted;
//   - private: nobody but the owner may write in it. Millrace makes those by itself, mode 0700;
//   - shared: its group or everybody may write in it. An administrator makes those. If everybody
//     may write, it must be sticky, else anybody could rename away the channels of others;
//   - participants/ belongs to the owner of the domain or to root, because the owner of a sticky
//     directory may remove the files of others, and so the proof of their life. It is made by the
//     owner of the domain: mode 01700 in a private one, the domain's mode and sticky in a shared
//     one (install -d -m 1777 DOMAIN DOMAIN/participants).
//
// Thread safety: immutable after open, except that any thread may ask unlinked().
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace millrace {

// As `trusted_uid`: only this user and root may own the domain.
inline constexpr std::uint32_t kTrustNobodyElse = ~std::uint32_t{0};

class DomainDirectory {
 public:
  // An empty path means the default. `create`: make what is missing (one level, not the parents);
  // without it, nothing is changed and a missing participants/ is no error, for observers.
  [[nodiscard]] static Result<DomainDirectory> open(std::string_view path, bool create,
                                                    std::uint32_t trusted_uid = kTrustNobodyElse);

  // The path that open("") would take.
  [[nodiscard]] static std::string default_path();

  // For the *at system calls; valid as long as this object.
  [[nodiscard]] int fd() const noexcept { return directory_.get(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // May others than the owner write in it?
  [[nodiscard]] bool shared() const noexcept { return shared_; }

  // tmpfs, ramfs or hugetlbfs. Elsewhere everything works, but messages may reach a disk: worth a
  // warning.
  [[nodiscard]] bool memory_backed() const noexcept { return memory_backed_; }

  // Was the directory removed under its users (rm -rf, RemoveIPC of systemd-logind)? What is open
  // goes on working, but nobody can join any more.
  [[nodiscard]] bool unlinked() const noexcept;

 private:
  DomainDirectory(Descriptor directory, std::string path) noexcept
      : directory_(std::move(directory)), path_(std::move(path)) {}

  Descriptor directory_;
  std::string path_;
  bool shared_ = false;
  bool memory_backed_ = false;
};

}  // namespace millrace
