#include "loss_notes.hpp"

#include "millrace/core/clock.hpp"
#include "report.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kEveryNs = 1'000'000'000;

}  // namespace

void LossNotes::tell(const char* code, std::uint64_t lost, const char* sentence, int length) const {
  if (json_) {
    print_json({{"note", code},
                {"lost", lost},
                {"sentence", std::string(sentence, static_cast<std::size_t>(length))}},
               stderr);
  } else {
    std::fprintf(stderr, "millrace: %.*s\n", length, sentence);
  }
}

void LossNotes::add(const Error& error) {
  const bool loss = error.code() == Errc::overrun || error.code() == Errc::evicted;
  const std::uint64_t now_ns = monotonic_ns();
  if (loss && told_ns_ != 0 && now_ns - told_ns_ < kEveryNs) {
    ++held_times_;
    held_messages_ += error.lost();
    return;
  }
  flush();
  if (loss) told_ns_ = now_ns;
  tell(to_string(error.code()), error.lost(), error.sentence().data(),
       static_cast<int>(error.sentence().size()));
}

void LossNotes::flush() {
  if (held_times_ == 0) return;
  std::array<char, 128> text{};
  const int length =
      std::snprintf(text.data(), text.size(),
                    "overtaken %" PRIu64 " times more, %" PRIu64 " more messages are lost",
                    held_times_, held_messages_);
  tell("overrun", held_messages_, text.data(), length);
  held_times_ = held_messages_ = 0;
}

}  // namespace millrace::tools
