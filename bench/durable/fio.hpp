// What the device gives to fio, with the same sync mode, block size and depth.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>

namespace millrace::bench {

struct FioPlan {
  std::string directory;
  bool read = false;
  bool durable = true;  // O_DSYNC
  std::uint64_t block_bytes = 4096;
  std::uint32_t depth = 1;
  double seconds = 1;
  double rate_iops = 0;                     // 0: as fast as possible
  std::uint64_t file_bytes = 256ULL << 20;  // written once beforehand, then overwritten
};

struct FioFigures {
  double bytes_per_second = 0;
  double p50_ns = 0;  // completion latency
  double p99_ns = 0;
};

// Empty if fio can be run; else why not.
[[nodiscard]] std::string why_no_fio();

// Direct, through io_uring with registered buffers and files, over a file that is kept in
// `directory` and overwritten by later runs. Errors: unsupported (no fio), system.
[[nodiscard]] Result<FioFigures> run_fio(const FioPlan& plan);

}  // namespace millrace::bench
