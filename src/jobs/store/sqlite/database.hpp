// database: SQLite's C interface as two small classes that answer with result<>.
//
// Problem: every call of SQLite has a code that must not be dropped, and what it means for the store (no room, fenced,
// failed) must be decided in one place.
//
// Flow:  auto db = database::open(path, database::writes);   auto s = db->prepare("SELECT ... WHERE id = ?1");
//        s->bind(1, id);  while (true) { auto row = s->step(); if (!row) return ...; if (!*row) break; s->number(0); }
// A statement is reset when it has ended, failed, or is bound anew; views of text() hold until then.
// Threads: one at a time (SQLITE_OPEN_NOMUTEX).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace fairing::jobs::sqlite {

class statement {
 public:
  statement() = default;
  explicit statement(sqlite3_stmt* s) noexcept : s_(s) {}
  statement(statement&& other) noexcept : s_(other.s_) { other.s_ = nullptr; }
  statement& operator=(statement&& other) noexcept {
    std::swap(s_, other.s_);
    return *this;
  }
  ~statement();
  [[nodiscard]] explicit operator bool() const noexcept { return s_ != nullptr; }

  // Parameters count from 1. Texts must live until the statement has run.
  statement& bind(int at, std::int64_t value) noexcept;
  statement& bind(int at, std::string_view text) noexcept;
  statement& bind_blob(int at, std::string_view bytes) noexcept;
  statement& bind_null(int at) noexcept;

  // True: there is a row. False: that was all, and the statement is reset.
  result<bool> step();
  result<void> run();  // to the end
  void reset() noexcept;

  // Columns count from 0.
  [[nodiscard]] std::int64_t number(int column) const noexcept;
  [[nodiscard]] std::string_view text(int column) const noexcept;  // of a text or a blob
  [[nodiscard]] bool is_null(int column) const noexcept;

 private:
  sqlite3_stmt* s_ = nullptr;
};

class database {
 public:
  enum class mode {
    writes,
    reads,
  };
  // The file must be there: one that went while it was in use is not made anew.
  static result<database> open(const std::string& path, mode m);
  database(database&&) noexcept = default;
  database& operator=(database&&) noexcept = default;

  result<statement> prepare(std::string_view sql);
  result<void> execute(const std::string& sql);       // one or more statements without parameters
  result<std::int64_t> number(std::string_view sql);  // the first column of the first row; none: 0
  [[nodiscard]] std::int64_t changes() const noexcept;
  [[nodiscard]] sqlite3* raw() const noexcept { return db_.get(); }

 private:
  struct closer {
    void operator()(sqlite3* db) const noexcept;
  };
  explicit database(sqlite3* db) noexcept : db_(db) {}
  std::unique_ptr<sqlite3, closer> db_;
};

// What SQLite's (extended) code means for the plane: no room, fenced, failed. `cause`: the errno behind it, if known.
[[nodiscard]] error error_of(int code, std::string_view what, int cause = 0);

}  // namespace fairing::jobs::sqlite
