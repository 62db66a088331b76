#include "millrace/transport/trace.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace millrace {

const char* to_string(Stage stage) noexcept {
  constexpr std::array<const char*, kStages> kNames{
      "intended",  "claim",    "claimed",  "published", "visible", "dequeued",
      "processed", "released", "appended", "submitted", "written", "durable"};
  const auto number = static_cast<std::size_t>(stage);
  return number < kNames.size() ? kNames[number] : "unknown";
}

const char* to_string(StampRole role) noexcept {
  switch (role) {
    case StampRole::publisher: return "publisher";
    case StampRole::subscriber: return "subscriber";
    case StampRole::journal: return "journal";
  }
  return "unknown";
}

namespace {

void note_times(MessageTrace& message, const StampRecord& record) {
  for (const std::uint64_t ticks : record.stamps) {
    if (ticks == 0) continue;
    if (message.first == 0 || ticks < message.first) message.first = ticks;
    message.last = std::max(message.last, ticks);
  }
}

}  // namespace

std::vector<MessageTrace> join(const ChannelTrace& trace) {
  std::map<std::tuple<std::uint32_t, std::uint64_t, Sequence>, MessageTrace> found;
  for (std::size_t recorder = 0; recorder < trace.recorders.size(); ++recorder) {
    const StampRole role = trace.recorders[recorder].role;
    for (const StampRecord& record : trace.recorders[recorder].records) {
      MessageTrace& message = found[{record.lane, record.epoch, record.sequence}];
      message.lane = record.lane;
      message.epoch = record.epoch;
      message.sequence = record.sequence;
      // The last record of a recorder counts: a claim that was given up has one before it.
      if (!message.passages.empty() && message.passages.back().recorder == recorder) {
        message.passages.pop_back();
      }
      if (role == StampRole::publisher || message.length == 0) message.length = record.length;
      message.passages.push_back({recorder, record.stamps});
      note_times(message, record);
    }
  }
  std::vector<MessageTrace> messages;
  messages.reserve(found.size());
  for (auto& [key, message] : found)
    messages.push_back(std::move(message));
  std::ranges::sort(messages, {}, [](const MessageTrace& message) {
    return std::tuple(message.first, message.lane, message.epoch, message.sequence);
  });
  return messages;
}

}  // namespace millrace
