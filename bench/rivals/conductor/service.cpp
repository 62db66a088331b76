#include "service.hpp"

#include <sstream>

namespace millrace::rivals {

Result<std::optional<Child>> start_service(const Ground& ground, const RivalInfo& rival) {
  if (rival.service.empty()) return std::optional<Child>();
  std::vector<std::string> command;
  std::istringstream words{std::string(rival.service)};
  for (std::string word; words >> word;)
    command.push_back(word);
  // What is ours lies among the drivers, and is told where the run's files are.
  if (command.front().find('/') != std::string::npos) {
    command.front() = ground.program(command.front());
    command.push_back(ground.directory());
  }
  auto child = Child::start(command, ground.directory() + "/service.log");
  if (!child) return Failure(child.error());
  return std::optional<Child>(std::move(*child));
}

}  // namespace millrace::rivals
