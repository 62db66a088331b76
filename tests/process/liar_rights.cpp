// Who is who, as far as the kernel can tell: victims and liar are two users of one group. The
// channel gives its group the right to subscribe, or to publish too.
#include "process/liar_round.hpp"

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::liar {

namespace {

constexpr uid_t kVictim = 61'001;
constexpr uid_t kLiar = 61'002;
constexpr gid_t kGroup = 61'000;

void become(uid_t user) {
  if (has_own_rights()) {
    const gid_t group = kGroup;
    const bool done = setgroups(1, &group) == 0 && setresgid(group, group, group) == 0 &&
                      setresuid(user, user, user) == 0;
    if (!done) _exit(3);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of the uid clears it
}

}  // namespace

bool has_own_rights() {
  static const bool root = geteuid() == 0;
  return root;
}

void become_victim() {
  become(kVictim);
}

void become_liar() {
  become(kLiar);
}

std::string make_shared_domain(const std::string& directory) {
  const std::string domain = directory + "/domain";
  const std::string participants = domain + "/participants";
  const bool made = mkdir(domain.c_str(), 0700) == 0 && mkdir(participants.c_str(), 0700) == 0;
  if (!made) return {};
  if (!has_own_rights()) return domain;
  const bool open = chmod(directory.c_str(), 0755) == 0 && chmod(domain.c_str(), 01777) == 0 &&
                    chmod(participants.c_str(), 01777) == 0;
  return open ? domain : std::string();
}

bool make_channel(const RoundPlan& plan, Role liar) {
  const pid_t child = fork();
  if (child == 0) {
    become_victim();
    ChannelOptions options;
    options.ring_bytes = plan.ring_bytes;
    options.policy = plan.policy;
    options.order = plan.order;
    options.lanes_max = 8;
    options.stamps = Stamps::sampled;
    options.stamp_every = 8;
    options.mode = liar == Role::publisher ? 0660 : 0640;
    auto domain = Domain::open({.path = plan.domain, .participant = "maker"});
    _exit(domain && domain->create(kChannel, options) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace millrace::liar
