// Something that makes a group of messages durable and says when it is. One thread.
#pragma once

#include "millrace/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace millrace::bench {

class Store {
 public:
  virtual ~Store() = default;

  // `count` messages of `bytes` each, one transaction or group. Durable when it returns.
  virtual Result<void> commit(std::span<const std::byte> message, std::size_t count) = 0;
};

// A way to make one in an empty directory.
struct StoreKind {
  std::string name;
  Result<std::unique_ptr<Store>> (*make)(const std::string& directory) = nullptr;
  std::string absent;  // why it is not built in; empty: it is
};

[[nodiscard]] StoreKind journal_kind();
[[nodiscard]] StoreKind sqlite_kind();   // WAL, synchronous=FULL
[[nodiscard]] StoreKind rocksdb_kind();  // write-ahead log, sync
[[nodiscard]] StoreKind lmdb_kind();     // its default: synchronous commit

}  // namespace millrace::bench
