#include "row_choice.hpp"

#include "millrace/bench/rows.hpp"

namespace millrace::bench {

namespace {

bool fits(std::string_view name, std::string_view wanted) noexcept {
  if (!name.starts_with(wanted)) return false;
  return name.size() == wanted.size() || name[wanted.size()] == '/';
}

// "latency/poisson/p99" is the second figure of "latency/poisson".
std::string without_tail(const std::string& name) {
  return name.ends_with(kTailSuffix) ? name.substr(0, name.size() - kTailSuffix.size()) : name;
}

std::size_t add(RowChoice& choice, const std::string& wanted) {
  const std::string name = without_tail(wanted);
  std::size_t found = 0;
  for (const SubjectInfo& one : kSubjectInfo) {
    if (!fits(one.name, name)) continue;
    choice.subjects.set(index(one.subject));
    choice.names.insert(one.name);
    ++found;
  }
  for (const SoloRow& one : solo_rows()) {
    if (!fits(one.name, name)) continue;
    if (choice.names.insert(one.name).second) choice.solo.push_back(&one);
    ++found;
  }
  return found;
}

void add_all(RowChoice& choice) {
  for (const SubjectInfo& one : kSubjectInfo) {
    if (one.role != Role::row) continue;
    choice.subjects.set(index(one.subject));
    choice.names.insert(one.name);
  }
  for (const SoloRow& one : solo_rows()) {
    choice.solo.push_back(&one);
    choice.names.insert(one.name);
  }
}

}  // namespace

bool RowChoice::asked_for(const std::string& name) const {
  return names.contains(without_tail(name));
}

Result<RowChoice> choose_rows(const std::vector<std::string>& wanted) {
  RowChoice choice;
  for (const std::string& name : wanted) {
    if (name.empty() || add(choice, name) == 0) {
      return fail(Errc::bad_argument, "there is no row \"%s\"; millrace bench --list names them",
                  name.c_str());
    }
  }
  if (wanted.empty()) add_all(choice);
  return choice;
}

void print_rows(std::FILE* to) {
  for (const SubjectInfo& one : kSubjectInfo) {
    if (one.role == Role::null || one.role == Role::variant) continue;
    (void)std::fprintf(to, "%-24s %s\n", one.name, one.text);
  }
  for (const SoloRow& one : solo_rows())
    (void)std::fprintf(to, "%-24s %s\n", one.name, one.text);
}

}  // namespace millrace::bench
