// A private domain for one test, removed when it ends.
#pragma once

#include "millrace/core/domain_directory.hpp"
#include "millrace/core/participant.hpp"
#include "support/scratch_directory.hpp"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace millrace::testing_support {

class DomainTest : public ::testing::Test {
 protected:
  [[nodiscard]] int domain() const { return domain_->fd(); }

  [[nodiscard]] std::string path() const { return domain_->path(); }

  [[nodiscard]] std::string participants() const { return path() + "/participants"; }

  [[nodiscard]] std::string file_of(ParticipantName name) const {
    return participants() + "/" + to_string(name);
  }

  [[nodiscard]] std::size_t files() const {
    const std::filesystem::directory_iterator begin(participants());
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }

  [[nodiscard]] std::unique_ptr<Participant> enter(RepairCheck check = nothing_registered) const {
    auto entered = Participant::enter(domain(), "test", std::move(check));
    EXPECT_TRUE(entered) << entered.error().sentence();
    return entered ? *std::move(entered) : nullptr;
  }

  ScratchDirectory scratch_;
  Result<DomainDirectory> domain_ = DomainDirectory::open(scratch_ / "domain", true);
};

}  // namespace millrace::testing_support
