#include "trace_chrome.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace millrace::tools {

using nlohmann::json;

namespace {

// Draws the messages, one after the other.
class Timeline {
 public:
  Timeline(const ChannelTrace& trace, const std::vector<MessageTrace>& messages, const Clock& clock)
      : trace_(trace), clock_(clock) {
    for (const MessageTrace& message : messages) {
      if (message.first != 0 && (base_ns_ == 0 || clock.to_ns(message.first) < base_ns_))
        base_ns_ = clock.to_ns(message.first);
    }
    for (std::size_t recorder = 0; recorder < trace.recorders.size(); ++recorder)
      name_track(recorder);
    for (const MessageTrace& message : messages)
      draw(message);
  }

  [[nodiscard]] json take() { return std::move(events_); }

 private:
  // Of a process that is not known: beyond every process id there is.
  [[nodiscard]] std::uint64_t pid_of(std::size_t recorder) const {
    const PeerName& owner = trace_.recorders[recorder].owner;
    return owner.pid != 0 ? owner.pid : (std::uint64_t{1} << 23) + owner.id;
  }

  // Thousandths of a microsecond are nanoseconds.
  [[nodiscard]] double microseconds(std::uint64_t ns) const {
    return static_cast<double>(static_cast<std::int64_t>(ns - base_ns_)) / 1000;
  }

  json event(const char* phase, std::size_t recorder, const std::string& name) const {
    return {{"ph", phase}, {"pid", pid_of(recorder)}, {"tid", recorder + 1}, {"name", name}};
  }

  void name_track(std::size_t recorder) {
    const RecorderTrace& owner = trace_.recorders[recorder];
    json process = event("M", recorder, "process_name");
    const char* const life = owner.left || owner.owner.alive ? "" : " (dead)";
    process["args"] = {{"name", owner.owner.name + life}};
    json track = event("M", recorder, "thread_name");
    track["args"] = {
        {"name", std::string(to_string(owner.role)) + " " + std::to_string(owner.owner.number)}};
    events_.push_back(std::move(process));
    events_.push_back(std::move(track));
  }

  void slice(std::size_t recorder, const std::string& name, std::uint64_t from, std::uint64_t to,
             json arguments = json::object()) {
    json drawn = event("X", recorder, name);
    drawn["cat"] = "message";
    drawn["ts"] = microseconds(from);
    drawn["dur"] = to > from ? static_cast<double>(to - from) / 1000 : 0.0;
    drawn["args"] = std::move(arguments);
    events_.push_back(std::move(drawn));
  }

  // The slices at both ends must enclose the times.
  void arrow(std::size_t from, std::uint64_t left, std::size_t to, std::uint64_t arrived) {
    const std::uint64_t id = ++arrows_;
    json begin = event("s", from, "message");
    begin["cat"] = "message";
    begin["id"] = id;
    begin["ts"] = microseconds(left);
    json end = event("f", to, "message");
    end["cat"] = "message";
    end["id"] = id;
    end["bp"] = "e";
    end["ts"] = microseconds(arrived);
    events_.push_back(std::move(begin));
    events_.push_back(std::move(end));
  }

  // Items of a journal overlap, so what happens to one is drawn beside its track.
  void beside(std::size_t recorder, const char* name, const MessageTrace& message,
              std::uint64_t from, std::uint64_t to) {
    const std::string id = std::to_string(message.lane) + ":" + std::to_string(message.sequence);
    for (const auto& [phase, time] : {std::pair{"b", from}, std::pair{"e", to}}) {
      json drawn = event(phase, recorder, name);
      drawn["cat"] = "journal";
      drawn["id"] = id;
      drawn["ts"] = microseconds(time);
      events_.push_back(std::move(drawn));
    }
  }

  void draw(const MessageTrace& message) {
    const MessageTimes times(trace_, message, clock_);
    const Passage* sender = nullptr;
    for (const Passage& passage : message.passages) {
      const std::size_t recorder = passage.recorder;
      const StampRole role = trace_.recorders[recorder].role;
      const auto left = sender != nullptr ? times.at(Stage::published, *sender) : std::nullopt;
      const auto arrived = draw_passage(message, times, passage, role);
      if (role == StampRole::publisher) sender = &passage;
      if (role != StampRole::publisher && left && arrived)
        arrow(sender->recorder, *left, recorder, *arrived);
    }
  }

  // Returns when the message came.
  std::optional<std::uint64_t> draw_passage(const MessageTrace& message, const MessageTimes& times,
                                            const Passage& passage, StampRole role) {
    std::array<std::optional<std::uint64_t>, layout::kStampsPerRecord> at;
    for (std::size_t which = 0; which < at.size(); ++which)
      at[which] = times.at(stage_of(role, which), passage);
    const std::string name = std::to_string(message.lane) + ":" + std::to_string(message.sequence);
    const json facts = {{"lane", message.lane},
                        {"sequence", message.sequence},
                        {"bytes", message.length},
                        {"latency_ns", times.latency_ns()}};
    const std::size_t first = role == StampRole::publisher ? 1 : 0;
    if (!at[first]) return std::nullopt;
    if (role == StampRole::journal) {
      slice(passage.recorder, name, *at[0], at[1].value_or(*at[0]), facts);
      if (at[1] && at[2]) beside(passage.recorder, "write", message, *at[1], *at[2]);
      if (at[2] && at[3]) beside(passage.recorder, "flush", message, *at[2], *at[3]);
      return at[0];
    }
    const std::size_t last = role == StampRole::publisher ? 3 : 2;
    const std::uint64_t end = at[last].value_or(at[last - 1].value_or(*at[first]));
    slice(passage.recorder, name, *at[first], end, facts);
    // The part of it that is somebody else's: room that had to be waited for, the caller's handler.
    if (role == StampRole::publisher && at[2]) slice(passage.recorder, "claim", *at[1], *at[2]);
    if (role == StampRole::subscriber && at[1]) slice(passage.recorder, "handler", *at[1], end);
    return at[first];
  }

  const ChannelTrace& trace_;
  const Clock& clock_;
  std::uint64_t base_ns_ = 0;
  std::uint64_t arrows_ = 0;
  json events_ = json::array();
};

}  // namespace

json chrome_events(const TraceReport& report, const Clock& clock) {
  return {{"displayTimeUnit", "ns"},
          {"otherData", {{"channel", report.trace.channel}, {"clock", to_text(report.clock_line)}}},
          {"traceEvents", Timeline(report.trace, report.messages, clock).take()}};
}

Result<void> write_chrome(const TraceReport& report, const Clock& clock, const std::string& path) {
  const std::string text =
      chrome_events(report, clock).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const std::string unfinished = path + ".unfinished";
  std::FILE* const file = std::fopen(unfinished.c_str(), "we");
  if (file == nullptr) return fail_os(errno, "cannot write %.200s", unfinished.c_str());
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  const bool closed = std::fclose(file) == 0;
  if (whole && closed && std::rename(unfinished.c_str(), path.c_str()) == 0) return {};
  const int why = whole ? errno : error;
  unlink(unfinished.c_str());
  return fail_os(why, "cannot write %.200s", path.c_str());
}

}  // namespace millrace::tools
