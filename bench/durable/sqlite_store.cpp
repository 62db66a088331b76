#include "store.hpp"

#if MILLRACE_HAVE_SQLITE
#include <sqlite3.h>
#endif

namespace millrace::bench {

#if MILLRACE_HAVE_SQLITE
namespace {

class SqliteStore : public Store {
 public:
  ~SqliteStore() override {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }

  Result<void> open(const std::string& path) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) return refused("open");
    for (const char* const text :
         {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
          "CREATE TABLE messages (sequence INTEGER PRIMARY KEY, bytes BLOB)"}) {
      if (auto done = execute(text); !done) return done;
    }
    constexpr const char* kInsert = "INSERT INTO messages (bytes) VALUES (?)";
    if (sqlite3_prepare_v2(database_, kInsert, -1, &insert_, nullptr) != SQLITE_OK) {
      return refused("prepare");
    }
    return {};
  }

  Result<void> commit(std::span<const std::byte> message, std::size_t count) override {
    if (auto begun = execute("BEGIN"); !begun) return begun;
    for (; count != 0; --count) {
      sqlite3_bind_blob(insert_, 1, message.data(), static_cast<int>(message.size()),
                        SQLITE_STATIC);
      if (sqlite3_step(insert_) != SQLITE_DONE) return refused("insert");
      sqlite3_reset(insert_);
    }
    return execute("COMMIT");
  }

 private:
  Result<void> execute(const char* text) {
    if (sqlite3_exec(database_, text, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return refused(text);
  }

  Result<void> refused(const char* what) {
    return fail(Errc::system, "SQLite, %s: %s", what, sqlite3_errmsg(database_));
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

Result<std::unique_ptr<Store>> make(const std::string& directory) {
  auto store = std::make_unique<SqliteStore>();
  if (auto opened = store->open(directory + "/database"); !opened) return Failure(opened.error());
  return store;
}

}  // namespace

StoreKind sqlite_kind() {
  return {.name = "SQLite WAL, FULL", .make = make, .absent = ""};
}
#else
StoreKind sqlite_kind() {
  return {.name = "SQLite WAL, FULL", .absent = "not built in (libsqlite3-dev)"};
}
#endif

}  // namespace millrace::bench
