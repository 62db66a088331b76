#include "store.hpp"

#if MILLRACE_HAVE_LMDB
#include <lmdb.h>
#endif

namespace millrace::bench {

#if MILLRACE_HAVE_LMDB
namespace {

class LmdbStore : public Store {
 public:
  ~LmdbStore() override { mdb_env_close(environment_); }

  Result<void> open(const std::string& path) {
    constexpr std::size_t kMapBytes = std::size_t{8} << 30;
    if (const int error = mdb_env_create(&environment_)) return refused(error);
    if (const int error = mdb_env_set_mapsize(environment_, kMapBytes)) return refused(error);
    if (const int error = mdb_env_open(environment_, path.c_str(), MDB_NOSUBDIR, 0600)) {
      return refused(error);
    }
    MDB_txn* transaction = nullptr;
    if (const int error = mdb_txn_begin(environment_, nullptr, 0, &transaction)) {
      return refused(error);
    }
    if (const int error = mdb_dbi_open(transaction, nullptr, MDB_INTEGERKEY, &table_)) {
      return refused(error);
    }
    const int error = mdb_txn_commit(transaction);
    return error == 0 ? Result<void>() : refused(error);
  }

  Result<void> commit(std::span<const std::byte> message, std::size_t count) override {
    MDB_txn* transaction = nullptr;
    if (const int error = mdb_txn_begin(environment_, nullptr, 0, &transaction)) {
      return refused(error);
    }
    for (; count != 0; --count, ++next_) {
      MDB_val key{sizeof next_, &next_};
      MDB_val value{message.size(), const_cast<std::byte*>(message.data())};
      if (const int error = mdb_put(transaction, table_, &key, &value, MDB_APPEND)) {
        mdb_txn_abort(transaction);
        return refused(error);
      }
    }
    const int error = mdb_txn_commit(transaction);
    return error == 0 ? Result<void>() : refused(error);
  }

 private:
  static Result<void> refused(int error) {
    return fail(Errc::system, "LMDB: %s", mdb_strerror(error));
  }

  MDB_env* environment_ = nullptr;
  MDB_dbi table_ = 0;
  std::size_t next_ = 0;
};

Result<std::unique_ptr<Store>> make(const std::string& directory) {
  auto store = std::make_unique<LmdbStore>();
  if (auto opened = store->open(directory + "/lmdb"); !opened) return Failure(opened.error());
  return store;
}

}  // namespace

StoreKind lmdb_kind() {
  return {.name = "LMDB", .make = make, .absent = ""};
}
#else
StoreKind lmdb_kind() {
  return {.name = "LMDB", .absent = "not built in (liblmdb-dev)"};
}
#endif

}  // namespace millrace::bench
