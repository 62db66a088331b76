// What a liar may do beside writing words: names it makes in directories that everybody may write
// to, locks on what it may read, and futexes of others that it wakes or takes away.
#pragma once

#include "process/liar_hand.hpp"
#include "process/liar_values.hpp"

#include <string>
#include <vector>

namespace millrace::liar {

class Tricks {
 public:
  // `borrow`: it may make files under the incarnations of others. Where everybody has the same uid
  // that is no lie but somebody's own word.
  Tricks(Values& values, std::string domain, std::string channel, bool borrow)
      : values_(values),
        domain_(std::move(domain)),
        channel_(std::move(channel)),
        borrow_(borrow) {}

  // A file, or something that is none, under a name that means something to others.
  void plant(const Hand& model);

  // Takes away what it planted.
  void clear();

  // A read lock on a file that it may only read, a write lock on one of its own.
  void lock();

  void unlock() { locks_.clear(); }

  // Sleepers on words of lanes and of readers: woken for nothing, or moved to where no wake comes.
  void disturb_sleepers();

  // Numbers that stand in files it may read.
  void learn();

 private:
  [[nodiscard]] std::string name_to_take(const Hand& model);
  void plant_copy(const std::string& path, const Hand& model);
  void disturb(const std::string& path);

  // A name in a directory, any of them; empty if there is none.
  [[nodiscard]] std::string any_in(const std::string& directory);

  Values& values_;
  std::string domain_;
  std::string channel_;  // path
  bool borrow_;
  std::vector<std::string> planted_;
  std::vector<Descriptor> locks_;
};

// Names of files below a directory, not sorted.
[[nodiscard]] std::vector<std::string> names_in(const std::string& directory);

}  // namespace millrace::liar
