#include "millrace/bench/load_shape.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

namespace millrace::bench {

namespace {

constexpr const char* kForms =
    "write constant:rate=100k, poisson:rate=100k, burst:rate=100k,on=1ms,off=9ms, "
    "burst:rate=100k,size=16 or replay:FILE";

struct Word {
  std::string_view key;
  std::string_view value;
};

Failure refuse(std::string_view text, const std::string& why) {
  return fail(Errc::bad_argument, "load \"%.*s\": %s; %s", static_cast<int>(text.size()),
              text.data(), why.c_str(), kForms);
}

// The number at the beginning of `text`, and what follows it; nothing there is NaN.
std::pair<double, std::string_view> number_and_unit(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || !std::isfinite(value)) return {std::nan(""), text};
  return {value, {stopped, end}};
}

double unit_ns(std::string_view unit) {
  if (unit.empty() || unit == "ns") return 1;
  if (unit == "us") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return 1e9;
  return 0;
}

Result<std::uint32_t> count_of(std::string_view text, const char* what) {
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || stopped != end || count == 0) {
    return fail(Errc::bad_argument, "%s=%.*s: write a whole number from 1", what,
                static_cast<int>(text.size()), text.data());
  }
  return count;
}

Result<void> set(LoadShape& shape, const Word& word) {
  const auto into = [](auto& field, const auto& parsed) -> Result<void> {
    if (!parsed) return Failure(parsed.error());
    field = *parsed;
    return {};
  };
  const bool replay = shape.kind == LoadShape::Kind::replay;
  const bool bursts = shape.kind == LoadShape::Kind::on_off;
  if (word.key == "rate" && !replay) return into(shape.rate, parse_load_rate(word.value));
  if (word.key == "on" && bursts) return into(shape.on_ns, parse_load_time(word.value));
  if (word.key == "off" && bursts) return into(shape.off_ns, parse_load_time(word.value));
  if (word.key == "size" && bursts) return into(shape.batch, count_of(word.value, "size"));
  if (word.key == "speed" && replay) return into(shape.speed, parse_load_rate(word.value));
  if (word.key == "column" && replay) return into(shape.column, count_of(word.value, "column"));
  if (word.key == "unit" && replay && unit_ns(word.value) > 0 && !word.value.empty()) {
    shape.unit_ns = unit_ns(word.value);
    return {};
  }
  return fail(Errc::bad_argument, "%.*s=%.*s means nothing here", static_cast<int>(word.key.size()),
              word.key.data(), static_cast<int>(word.value.size()), word.value.data());
}

// The words behind the colon. Of a replay the path comes first, and may contain commas and equals
// signs: only known words behind it are taken from its end.
std::vector<Word> words_of(std::string_view rest, LoadShape& shape) {
  std::vector<Word> words;
  const bool replay = shape.kind == LoadShape::Kind::replay;
  while (!rest.empty()) {
    const std::size_t comma = rest.rfind(',');
    const std::string_view last = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    const std::size_t equals = last.find('=');
    const std::string_view key = last.substr(0, equals);
    const bool known = key == "speed" || key == "column" || key == "unit";
    if (replay && (!known || equals == std::string_view::npos || comma == std::string_view::npos)) {
      break;
    }
    words.push_back({key, equals == std::string_view::npos ? "" : last.substr(equals + 1)});
    rest = comma == std::string_view::npos ? "" : rest.substr(0, comma);
  }
  if (replay) shape.path = rest;
  return words;
}

Result<void> check(const LoadShape& shape) {
  if (shape.kind == LoadShape::Kind::replay) {
    if (!shape.path.empty()) return {};
    return fail(Errc::bad_argument, "it names no file");
  }
  if (shape.rate <= 0) return fail(Errc::bad_argument, "rate= is missing");
  if (shape.kind != LoadShape::Kind::on_off) return {};
  if (shape.batch > 1 && shape.on_ns == 0 && shape.off_ns == 0) return {};
  if (shape.batch > 1) return fail(Errc::bad_argument, "size= goes without on= and off=");
  if (shape.on_ns > 0 && shape.off_ns > 0) return {};
  return fail(Errc::bad_argument, "a burst needs on= and off=, or size= above 1");
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

}  // namespace

Result<double> parse_load_rate(std::string_view text) {
  const auto [value, unit] = number_and_unit(text);
  const double times = unit.empty() ? 1 : unit == "k" || unit == "K" ? 1e3 : unit == "M" ? 1e6 : 0;
  const double rate = value * times;
  if (rate > 0 && rate <= kLoadRateMax) return rate;
  return fail(Errc::bad_argument,
              "\"%.*s\" is no rate: write a number above 0 and up to 1000M (0.5, 1000, 20k, 1M)",
              static_cast<int>(text.size()), text.data());
}

Result<double> parse_load_time(std::string_view text) {
  const auto [value, unit] = number_and_unit(text);
  const double ns = value * unit_ns(unit);
  if (ns > 0) return ns;
  return fail(Errc::bad_argument, "\"%.*s\" is no time: write a number above 0 and ns, us, ms or s",
              static_cast<int>(text.size()), text.data());
}

Result<LoadShape> parse_load(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  LoadShape shape;
  if (kind == "constant") {
    shape.kind = LoadShape::Kind::constant;
  } else if (kind == "poisson") {
    shape.kind = LoadShape::Kind::poisson;
  } else if (kind == "burst") {
    shape.kind = LoadShape::Kind::on_off;
  } else if (kind == "replay") {
    shape.kind = LoadShape::Kind::replay;
  } else {
    return refuse(text, "there is no such load");
  }
  const std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  for (const Word& word : words_of(rest, shape)) {
    if (auto done = set(shape, word); !done) {
      return refuse(text, std::string(done.error().sentence()));
    }
  }
  if (auto sound = check(shape); !sound) return refuse(text, std::string(sound.error().sentence()));
  if (shape.batch > 1) shape.kind = LoadShape::Kind::batch;
  return shape;
}

std::string to_string(const LoadShape& shape) {
  const std::string rate = "rate=" + number_text(shape.rate);
  switch (shape.kind) {
    case LoadShape::Kind::constant: return "constant:" + rate;
    case LoadShape::Kind::poisson: return "poisson:" + rate;
    case LoadShape::Kind::on_off:
      return "burst:" + rate + ",on=" + number_text(shape.on_ns) +
             "ns,off=" + number_text(shape.off_ns) + "ns";
    case LoadShape::Kind::batch: return "burst:" + rate + ",size=" + std::to_string(shape.batch);
    case LoadShape::Kind::replay: break;
  }
  std::string text = "replay:" + shape.path;
  if (shape.column != 1) text += ",column=" + std::to_string(shape.column);
  if (shape.unit_ns != 1) {
    text += shape.unit_ns == 1e3 ? ",unit=us" : shape.unit_ns == 1e6 ? ",unit=ms" : ",unit=s";
  }
  if (shape.speed != 1) text += ",speed=" + number_text(shape.speed);
  return text;
}

}  // namespace millrace::bench
