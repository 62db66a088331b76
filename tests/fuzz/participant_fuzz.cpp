// Any bytes as the file of a participant: everybody may look at it, probe it, and remove it once it
// is proven dead.
#include "fuzz_domain.hpp"
#include "millrace/core/participant_info.hpp"
#include "millrace/core/participant_repairs.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace {

using namespace millrace;

constexpr ParticipantName kName{.id = 1023, .incarnation = 0x0a0b'0c0d'0e0f'1011};

void check(const ParticipantInfo& info) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!std::all_of(info.name.begin(), info.name.end(), printable)) {
    fuzz::broken_promise("a name that a terminal would obey");
  }
  if (info.alive()) fuzz::broken_promise("nobody holds a lock on it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static fuzz::FuzzDomain domain;
  static const fuzz::Bytes valid = fuzz::seeds().front();
  const auto [choice, rest] = fuzz::split(data, bytes);
  fuzz::Bytes file = rest;
  if (choice % 4 != 0) fuzz::repair_header(file, std::span(valid).subspan(1));
  if (choice % 4 == 2 && file.size() >= sizeof(layout::ParticipantFile)) {
    std::memcpy(file.data() + offsetof(layout::ParticipantFile, incarnation), &kName.incarnation,
                8);
    std::memcpy(file.data() + offsetof(layout::ParticipantFile, id), &kName.id, 4);
  }
  domain.put("participants", to_string(kName), file);
  if (const auto info = describe(domain.fd(), kName)) check(*info);
  for (const ParticipantInfo& info : list_participants(domain.fd())) {
    if (info.id == kName) check(info);
  }
  if (probe(domain.fd(), kName).life != Life::dead) fuzz::broken_promise("it is dead");
  if (choice % 2 != 0) (void)domain.domain().clean();
  (void)removable(domain.fd(), kName, nothing_registered);
  domain.remove("participants", to_string(kName));
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  FuzzDomain domain;  // its maker has entered, to make the channels
  std::vector<Bytes> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(domain.path() + "/participants")) {
    const Bytes file = domain.get("participants", entry.path().filename().string());
    for (const int choice : {1, 2, 3, 4})
      inputs.push_back(join(static_cast<std::uint8_t>(choice), file));
  }
  return inputs;
}
