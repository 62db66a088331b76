#include "store.hpp"

#if MILLRACE_HAVE_ROCKSDB
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#endif

namespace millrace::bench {

#if MILLRACE_HAVE_ROCKSDB
namespace {

class RocksdbStore : public Store {
 public:
  explicit RocksdbStore(rocksdb::DB* database) : database_(database) { options_.sync = true; }

  Result<void> commit(std::span<const std::byte> message, std::size_t count) override {
    const rocksdb::Slice value(reinterpret_cast<const char*>(message.data()), message.size());
    rocksdb::WriteBatch batch;
    for (; count != 0; --count) {
      // Big-endian, so that keys arrive in their order: the cheapest case.
      char key[8];
      for (int byte = 0; byte < 8; ++byte)
        key[byte] = static_cast<char>(next_ >> (56 - 8 * byte));
      ++next_;
      batch.Put(rocksdb::Slice(key, sizeof key), value);
    }
    const rocksdb::Status status = database_->Write(options_, &batch);
    if (status.ok()) return {};
    return fail(Errc::system, "RocksDB: %s", status.ToString().c_str());
  }

 private:
  std::unique_ptr<rocksdb::DB> database_;
  rocksdb::WriteOptions options_;
  std::uint64_t next_ = 0;
};

Result<std::unique_ptr<Store>> make(const std::string& directory) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.recycle_log_file_num = 4;  // overwrites its logs, as its documentation advises for sync
  rocksdb::DB* database = nullptr;
  const auto status = rocksdb::DB::Open(options, directory + "/rocks", &database);
  if (!status.ok()) return fail(Errc::system, "RocksDB: %s", status.ToString().c_str());
  return std::unique_ptr<Store>(std::make_unique<RocksdbStore>(database));
}

}  // namespace

StoreKind rocksdb_kind() {
  return {.name = "RocksDB WAL, sync", .make = make, .absent = ""};
}
#else
StoreKind rocksdb_kind() {
  return {.name = "RocksDB WAL, sync", .absent = "not built in (librocksdb-dev)"};
}
#endif

}  // namespace millrace::bench
