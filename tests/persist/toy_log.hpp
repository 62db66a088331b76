// A log for tests of the transport: one file a producer, plain records one after the other, read by
// any process. What it holds is as if it were on disk for good; nothing in it is checked.
#pragma once

#include "millrace/transport/history.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace::testing_support {

struct ToyRecord {
  Sequence sequence = 0;
  std::uint64_t wall_ns = 0;
  std::uint32_t bytes = 0;
  std::uint16_t key = 0;
};

// Where the log lies, and what happens when it is read.
class ToyLog {
 public:
  explicit ToyLog(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    here() = directory_;
    set_history_opener(&ToyLog::open);
  }

  ToyLog(const ToyLog&) = delete;
  ToyLog& operator=(const ToyLog&) = delete;

  ~ToyLog() { set_history_opener(nullptr); }

  void append(const std::string& producer, Sequence sequence, std::uint16_t key,
              std::span<const std::byte> bytes, std::uint64_t wall_ns) const {
    std::ofstream file(path(producer), std::ios::binary | std::ios::app);
    const ToyRecord record{sequence, wall_ns, static_cast<std::uint32_t>(bytes.size()), key};
    file.write(reinterpret_cast<const char*>(&record), sizeof record);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  // Retention has taken everything before `first`.
  void trim(const std::string& producer, Sequence first) const {
    write_number(path(producer) + ".first", first);
  }

  // The log is found damaged at this message.
  void damage(const std::string& producer, Sequence at) const {
    write_number(path(producer) + ".damaged", at);
  }

  void remember(const std::string& subscriber, const std::string& producer,
                Sequence sequence) const {
    write_number(path(producer) + ".by." + subscriber, sequence);
  }

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  static std::optional<std::uint64_t> read_number(const std::string& path) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    return file >> number ? std::optional(number) : std::nullopt;
  }

 private:
  // Appears complete, as everything that two processes share.
  static void write_number(const std::string& path, std::uint64_t number) {
    std::ofstream(path + ".new") << number << std::flush;
    std::filesystem::rename(path + ".new", path);
  }

  static std::string& here() {
    static std::string directory;
    return directory;
  }

  [[nodiscard]] std::string path(const std::string& producer) const {
    return directory_ + "/" + producer;
  }

  static Result<std::unique_ptr<History>> open(const std::string& directory, const Uuid& channel);

  std::string directory_;
};

class ToyLaneHistory : public LaneHistory {
 public:
  explicit ToyLaneHistory(std::string path) : path_(std::move(path)) {}

  Result<std::optional<PastMessage>> read(Sequence sequence, Sequence below) override {
    const Sequence first = ToyLog::read_number(path_ + ".first").value_or(0);
    if (sequence < first) {
      return Failure(fail(Errc::trimmed, "the toy log begins at a later message")
                         .error()
                         .with_lost(first - sequence));
    }
    const auto damaged = ToyLog::read_number(path_ + ".damaged");
    if (damaged && sequence >= *damaged) return fail(Errc::damaged, "the toy log is damaged");
    if (!find(sequence) || found_->sequence >= below) return std::optional<PastMessage>();
    return std::optional<PastMessage>(
        {found_->sequence, found_->key, std::as_bytes(std::span(text_)), found_->wall_ns});
  }

  Result<Sequence> oldest() override {
    if (const auto first = ToyLog::read_number(path_ + ".first")) return *first;
    return find(0) ? found_->sequence : Sequence{0};
  }

  Result<Sequence> first_since(std::uint64_t wall_ns) override {
    Sequence next = 0;
    while (find(next)) {
      if (found_->wall_ns >= wall_ns) return found_->sequence;
      next = found_->sequence + 1;
    }
    return next;
  }

 private:
  // The first record at or after `sequence`.
  bool find(Sequence sequence) {
    if (!found_ || found_->sequence >= sequence) at_ = 0;  // else it lies further on
    if (found_ && found_->sequence == sequence) return true;
    found_.reset();
    std::ifstream file(path_, std::ios::binary);
    file.seekg(at_);
    ToyRecord record;
    while (file.read(reinterpret_cast<char*>(&record), sizeof record)) {
      text_.resize(record.bytes);
      if (!file.read(text_.data(), record.bytes)) return false;
      if (record.sequence >= sequence) {
        found_ = record;
        at_ = file.tellg();
        return true;
      }
    }
    return false;
  }

  std::string path_;
  std::streamoff at_ = 0;  // behind the record that was found
  std::optional<ToyRecord> found_;
  std::string text_;
};

class ToyHistory : public History {
 public:
  explicit ToyHistory(std::string directory) : directory_(std::move(directory)) {}

  Result<std::unique_ptr<LaneHistory>> lane(std::string_view producer) override {
    return std::unique_ptr<LaneHistory>(
        std::make_unique<ToyLaneHistory>(directory_ + "/" + std::string(producer)));
  }

  Result<std::optional<Sequence>> remembered(std::string_view subscriber,
                                             std::string_view producer) override {
    return ToyLog::read_number(directory_ + "/" + std::string(producer) + ".by." +
                               std::string(subscriber));
  }

 private:
  std::string directory_;
};

inline Result<std::unique_ptr<History>> ToyLog::open(const std::string& directory, const Uuid&) {
  if (directory != here()) return fail(Errc::not_found, "there is no log in %s", directory.c_str());
  return std::unique_ptr<History>(std::make_unique<ToyHistory>(directory));
}

}  // namespace millrace::testing_support
