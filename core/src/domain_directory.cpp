#include "millrace/core/domain_directory.hpp"

#include "millrace/core/participant_name.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/magic.h>
#include <paths.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr const char* kSharedMemory = _PATH_DEV "shm";
constexpr mode_t kPermissions = 07777;
constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;
constexpr int kOpenFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// A closing slash would follow a symbolic link.
std::string without_closing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  return path;
}

Failure explain_missing(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (access(parent.c_str(), F_OK) != 0) {
    return fail(Errc::not_found, "cannot make the domain %s: %s does not exist: make it first",
                path.c_str(), parent.c_str());
  }
  return fail(Errc::not_found, "there is no domain at %s: start a publisher, or check MILLRACE_DIR",
              path.c_str());
}

Failure explain_refusal(const std::string& path, int refused) {
  struct stat facts {};

  if (refused == ENOENT) return explain_missing(path);
  if (refused == EACCES) {
    return fail_os(refused, "uid %u has no permission for the domain %s: ask its owner",
                   static_cast<unsigned>(geteuid()), path.c_str());
  }
  if (lstat(path.c_str(), &facts) == 0 && S_ISLNK(facts.st_mode)) {
    return fail(Errc::bad_argument, "%s is a symbolic link: name the directory it leads to",
                path.c_str());
  }
  if (refused == ENOTDIR) {
    return fail(Errc::bad_argument, "%s is not a directory: a domain is one", path.c_str());
  }
  return fail_os(refused, "cannot open the domain %s", path.c_str());
}

Result<void> check_owner(const std::string& path, const struct stat& facts,
                         std::uint32_t trusted_uid) {
  const uid_t owner = facts.st_uid;
  if (owner == geteuid() || owner == 0 || owner == trusted_uid) return {};
  return fail(Errc::no_permission,
              "the domain %s belongs to uid %u, not to uid %u or root: use another directory, or "
              "name that uid as trusted",
              path.c_str(), static_cast<unsigned>(owner), static_cast<unsigned>(geteuid()));
}

Result<void> check_mode(const std::string& path, const struct stat& facts) {
  if ((facts.st_mode & S_IWOTH) == 0 || (facts.st_mode & S_ISVTX) != 0) return {};
  return fail(Errc::no_permission,
              "everybody may write in %s (mode %04o) and it is not sticky: chmod 1777 it for a "
              "shared domain, 0700 for a private one",
              path.c_str(), static_cast<unsigned>(facts.st_mode & kPermissions));
}

Result<void> make_participants(int domain_fd, const std::string& path, const struct stat& domain) {
  if (domain.st_uid != geteuid() && geteuid() != 0) {
    return fail(Errc::no_permission,
                "the shared domain %s has no %s/: its owner (uid %u) makes it, mode %04o",
                path.c_str(), kParticipantsDirectory, static_cast<unsigned>(domain.st_uid),
                static_cast<unsigned>((domain.st_mode | S_ISVTX) & kPermissions));
  }
  const bool shared = (domain.st_mode & kWritableByOthers) != 0;
  const mode_t mode = S_ISVTX | (shared ? domain.st_mode & kPermissions : mode_t{0700});
  if (mkdirat(domain_fd, kParticipantsDirectory, mode) != 0) {
    if (errno == EEXIST) return {};
    return fail_os(errno, "cannot make %s/%s", path.c_str(), kParticipantsDirectory);
  }
  // After the fact, because the umask takes bits away.
  if (fchmodat(domain_fd, kParticipantsDirectory, mode, 0) == 0) return {};
  return fail_os(errno, "cannot set the mode of %s/%s", path.c_str(), kParticipantsDirectory);
}

Result<void> check_participants(int domain_fd, const std::string& path, const struct stat& domain) {
  struct stat facts {};

  if (fstatat(domain_fd, kParticipantsDirectory, &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return fail_os(errno, "cannot look at %s/%s", path.c_str(), kParticipantsDirectory);
  }
  if (!S_ISDIR(facts.st_mode)) {
    return fail(Errc::bad_argument, "%s/%s is not a directory: %s is no domain", path.c_str(),
                kParticipantsDirectory, path.c_str());
  }
  const bool sticky = (facts.st_mode & S_ISVTX) != 0;
  if ((facts.st_uid == domain.st_uid || facts.st_uid == 0) &&
      (sticky || (facts.st_mode & kWritableByOthers) == 0)) {
    return {};
  }
  return fail(Errc::no_permission,
              "%s/%s (uid %u, mode %04o) lets one member remove the files of others: it must "
              "belong to uid %u and be sticky",
              path.c_str(), kParticipantsDirectory, static_cast<unsigned>(facts.st_uid),
              static_cast<unsigned>(facts.st_mode & kPermissions),
              static_cast<unsigned>(domain.st_uid));
}

bool is_memory(int fd) noexcept {
  struct statfs facts {};

  if (fstatfs(fd, &facts) != 0) return false;
  return facts.f_type == TMPFS_MAGIC || facts.f_type == RAMFS_MAGIC ||
         facts.f_type == HUGETLBFS_MAGIC;
}

}  // namespace

std::string DomainDirectory::default_path() {
  const char* configured = std::getenv("MILLRACE_DIR");
  if (configured != nullptr && *configured != '\0') return configured;
  return std::string(kSharedMemory) + "/millrace-" + std::to_string(geteuid());
}

Result<DomainDirectory> DomainDirectory::open(std::string_view path, bool create,
                                              std::uint32_t trusted_uid) {
  std::string name = without_closing_slashes(path.empty() ? default_path() : std::string(path));
  // A refused mkdir is explained by the open below, or harmless because the directory exists.
  const bool made = create && mkdir(name.c_str(), 0700) == 0;
  const int refused_to_make = create && !made ? errno : 0;
  if (made && chmod(name.c_str(), 0700) != 0) {  // the umask may have taken bits away
    return fail_os(errno, "cannot set the mode of the new domain %s", name.c_str());
  }
  Descriptor directory(::open(name.c_str(), kOpenFlags));
  if (!directory.valid()) {
    const bool forbidden = errno == ENOENT && refused_to_make != 0 && refused_to_make != ENOENT;
    return explain_refusal(name, forbidden ? refused_to_make : errno);
  }

  struct stat facts {};

  if (fstat(directory.get(), &facts) != 0) return fail_os(errno, "cannot look at %s", name.c_str());
  Result<void> checked = check_owner(name, facts, trusted_uid);
  if (checked) checked = check_mode(name, facts);
  const bool has_participants =
      faccessat(directory.get(), kParticipantsDirectory, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  if (checked && create && !has_participants) {
    checked = make_participants(directory.get(), name, facts);
  }
  if (checked) checked = check_participants(directory.get(), name, facts);
  if (!checked) return std::unexpected(checked.error());
  DomainDirectory opened(std::move(directory), std::move(name));
  opened.shared_ = (facts.st_mode & kWritableByOthers) != 0;
  opened.memory_backed_ = is_memory(opened.fd());
  return opened;
}

bool DomainDirectory::unlinked() const noexcept {
  struct stat facts {};

  return fstat(fd(), &facts) == 0 && facts.st_nlink == 0;
}

}  // namespace millrace
