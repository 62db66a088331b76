// What a run has on this machine: a directory in memory with the shared page, the logs and the
// rivals' files, where the drivers are, and the two processors. Gone at the end.
#pragma once

#include "millrace/core/result.hpp"
#include "rival_list.hpp"
#include "rival_page_layout.hpp"

#include <string>
#include <utility>

namespace millrace::rivals {

class Ground {
 public:
  // `programs`: the directory of the drivers.
  [[nodiscard]] static Result<Ground> make(std::string programs, std::pair<int, int> cpus);

  Ground(Ground&& other) noexcept;
  Ground& operator=(Ground&&) = delete;
  ~Ground();

  [[nodiscard]] RivalPage& page() const noexcept { return *page_; }

  [[nodiscard]] std::string page_path() const { return directory_ + "/page"; }

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  [[nodiscard]] std::pair<int, int> cpus() const noexcept { return cpus_; }

  [[nodiscard]] std::string program(std::string_view name) const;

  // Whether the program that speaks for it is there.
  [[nodiscard]] bool installed(const RivalInfo& rival) const;

  // A name that no pair had before, in this run or another.
  [[nodiscard]] std::string new_scope();

  // Removes what a killed driver may have left under a scope.
  void forget(const std::string& scope) const noexcept;

 private:
  Ground(std::string directory, std::string programs, RivalPage* page, std::pair<int, int> cpus);

  std::string directory_;
  std::string programs_;
  RivalPage* page_ = nullptr;
  std::pair<int, int> cpus_;
  unsigned scopes_ = 0;
};

}  // namespace millrace::rivals
