// One process's handle on a SimulatedMedium: the Disk that a log is opened on. Time passes only
// while it waits; operations complete in the order of their simulated latencies, a few of them very
// late. After a crash the handle is dead: every call fails and nothing is written.
//
//   auto medium = std::make_shared<SimulatedMedium>(seed, facts, capacity);
//   auto journal = Journal::open(options, std::make_unique<SimulatedDisk>(medium));
//   medium->crash(Crash::power);
//
// Thread rules: one thread.
#pragma once

#include "simulated_medium.hpp"

#include <millrace/persist/disk.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace millrace::sim {

class SimulatedDisk final : public Disk {
 public:
  // Who only looks takes part in no crash and no count.
  enum class Role : std::uint8_t { writer, reader };

  // Called before anything is changed: what, where, and with what (empty: a preparation, or that
  // the file goes away).
  using Watch = std::function<void(File file, std::uint64_t offset, std::uint64_t bytes,
                                   std::span<const std::byte> content)>;

  explicit SimulatedDisk(std::shared_ptr<SimulatedMedium> medium, Role role = Role::writer,
                         Watch watch = {});
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;
  // As if the process had died.
  ~SimulatedDisk() override;

  [[nodiscard]] const DiskFacts& facts() const noexcept override { return medium_->facts; }

  Result<void> lock(bool (*waiting)(void*, const Error&), void* context) override;
  Result<std::vector<Slot>> slots() override;
  Result<void> read(File file, std::uint64_t offset, std::span<std::byte> into) override;
  Result<void> flush_all() override;
  Result<void> write_block(File file, std::uint64_t offset,
                           std::span<const std::byte> block) override;
  Result<void> make_buffers(std::size_t count, std::size_t bytes) override;
  [[nodiscard]] std::span<std::byte> buffer(std::size_t index) noexcept override;
  void write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
             std::size_t bytes, bool durable) noexcept override;
  void flush(std::uint64_t id, File file) noexcept override;
  void prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept override;
  Result<void> remove(File file) override;
  std::size_t wait(std::span<Done> done, std::uint64_t timeout_ns) noexcept override;

  [[nodiscard]] Now now() const noexcept override { return medium_->now(); }

  [[nodiscard]] std::uint64_t free_bytes() const noexcept override { return medium_->free_bytes(); }

 private:
  [[nodiscard]] bool dead() const noexcept { return life_ != medium_->life(); }

  [[nodiscard]] bool spend() { return role_ == Role::writer && medium_->spend(); }

  [[nodiscard]] std::uint64_t latency();
  void begin(Operation operation);
  void check_write(const Operation& operation);
  void check_alone(const Operation& operation);
  void see_writes_in_flight(File file, std::uint64_t offset, std::span<std::byte> into);
  void told(File file, std::uint64_t offset, std::uint64_t bytes,
            std::span<const std::byte> content);
  [[nodiscard]] std::int64_t complete(const Operation& operation);
  [[nodiscard]] std::int64_t complete_write(const Operation& operation);

  std::shared_ptr<SimulatedMedium> medium_;
  Role role_;
  Watch watch_;
  std::uint64_t life_;
  std::vector<std::uint64_t> begun_;  // ids of what the caller waits for, also after death
  std::size_t buffer_bytes_ = 0;
  std::vector<std::byte> buffers_;
};

}  // namespace millrace::sim
