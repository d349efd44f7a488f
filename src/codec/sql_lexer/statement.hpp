// statement: what each statement of a text is and what it does to its session, from tokens alone.
//
// Problem: a transaction pooler must know BEGIN from SELECT, which SET to replay, which statement
// leaves something on the server that the next client must not meet (temporary tables, session
// locks, WITH HOLD cursors, LISTEN), and which SELECT is not just a read. A grammar of one
// PostgreSQL version would refuse the next one's statements; tokens do not.
//
// Flow:
//   statement_scanner s;                  // once, then reused
//   s.begin(text);
//   for each token that is no comment: s.on(token, word);
//   s.finish();
//   for (const statement& st : s.statements()) switch (st.kind) ...
// (`analyzer` does this.) Statements are split at `;` outside parentheses and outside the body of
// CREATE FUNCTION .. BEGIN ATOMIC. Empty ones are not listed: an empty text has none.
//
// What it cannot see: what a called function, a view, a rule or a DO block does. A statement that it
// does not know is statement_kind::other. If complete() is false (not lexable, or over
// max_statements) then nothing is known of the rest: a pooler pins.
// Threads: any one. Cost: 10 to 20 ns a token, no allocation after the first growth of the list.
// Source: src/backend/parser/gram.y of PostgreSQL 15.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/word.hpp"

namespace fairing::codec::sql_lexer {

enum class statement_kind : std::uint8_t {
  other,                // known to nobody here: treat as able to do anything
  begin,                // BEGIN, START TRANSACTION: see modes
  commit,               // COMMIT, END
  rollback,             // ROLLBACK, ABORT
  savepoint,            // SAVEPOINT name
  release,              // RELEASE [SAVEPOINT] name
  rollback_to,          // ROLLBACK TO [SAVEPOINT] name
  prepare_transaction,  // PREPARE TRANSACTION 'id'
  commit_prepared,      // COMMIT PREPARED 'id'
  rollback_prepared,    // ROLLBACK PREPARED 'id'
  set,                  // SET [SESSION|LOCAL] name: see local, name, value, value_is_default
  set_transaction,      // SET TRANSACTION ..: this transaction's modes
  set_characteristics,  // SET SESSION CHARACTERISTICS AS TRANSACTION ..: the session's modes
  set_constraints,      // SET CONSTRAINTS ..: this transaction's
  reset,                // RESET name
  reset_all,            // RESET ALL
  show,                 // SHOW name, SHOW ALL
  discard_all,          // DISCARD ALL
  discard_temp,         // DISCARD TEMP
  discard_plans,        // DISCARD PLANS
  discard_sequences,    // DISCARD SEQUENCES
  prepare,              // PREPARE name [(types)] AS ..: inner is the statement
  execute,              // EXECUTE name [(..)]
  deallocate,           // DEALLOCATE [PREPARE] name
  deallocate_all,       // DEALLOCATE [PREPARE] ALL
  declare_cursor,       // DECLARE name .. CURSOR .. FOR ..: with_hold
  fetch,                // FETCH .. name
  move,                 // MOVE .. name
  close,                // CLOSE name
  close_all,            // CLOSE ALL
  listen,               // LISTEN name
  unlisten,             // UNLISTEN name
  unlisten_all,         // UNLISTEN *
  notify,               // NOTIFY name [, 'payload']
  copy_in,              // COPY .. FROM STDIN
  copy_out,             // COPY .. TO STDOUT
  copy_server,          // COPY from or to a file or program of the server
  create_temp,          // CREATE [OR REPLACE] [LOCAL|GLOBAL] TEMP|TEMPORARY .., CREATE .. pg_temp.x
  load,                 // LOAD 'library'
  lock,                 // LOCK [TABLE] ..
  select,               // SELECT, or WITH .. SELECT
  values,               // VALUES (..)
  table,                // TABLE name
  insert,               // INSERT, also behind WITH
  update,               // UPDATE, also behind WITH
  delete_rows,          // DELETE, also behind WITH
  merge,                // MERGE, also behind WITH
  truncate,             // TRUNCATE
  call,                 // CALL procedure(..)
  do_block,             // DO: runs code that nobody here reads
  explain,              // EXPLAIN ..: runs its statement if explain_analyze
  maintenance,          // VACUUM, ANALYZE, REINDEX, CLUSTER, CHECKPOINT, REFRESH
  ddl,                  // CREATE, ALTER, DROP, GRANT, REVOKE, COMMENT, SECURITY, IMPORT, REASSIGN
};

// Seen anywhere in the statement; a set of bits.
enum class statement_flag : std::uint32_t {
  session_lock = 1U << 0,        // pg_[try_]advisory_lock[_shared](
  session_unlock = 1U << 1,      // pg_advisory_unlock[_shared](
  session_unlock_all = 1U << 2,  // pg_advisory_unlock_all(
  session_set_config = 1U << 3,  // set_config(.., .., false), or the third argument is not known
  local_set_config = 1U << 4,    // set_config(.., .., true)
  temp_reference = 1U << 5,      // pg_temp as a schema
  nextval = 1U << 6,             // nextval(: a write, and what lastval will say
  session_sequence = 1U << 7,    // currval(, lastval(: depend on the session
  setval = 1U << 8,              // setval(
  pg_notify = 1U << 9,           // pg_notify(
  large_object = 1U << 10,       // lo_..(, loread(, lowrite(
  dblink = 1U << 11,             // dblink..(: named connections belong to the session
  transaction_id = 1U << 12,     // txid_..(, pg_current_xact_id.., pg_current_snapshot(
  session_identity = 1U << 13,   // pg_backend_pid(, pg_my_temp_schema(, pg_listening_channels(
  row_lock = 1U << 14,           // FOR UPDATE | NO KEY UPDATE | SHARE | KEY SHARE
  into = 1U << 15,               // SELECT .. INTO: makes a table
  into_temp = 1U << 16,          // SELECT .. INTO TEMP
  with = 1U << 17,               // a WITH clause, here or in a sub-select
  modifying_cte = 1U << 18,      // INSERT, UPDATE, DELETE or MERGE inside a WITH
  returning = 1U << 19,          // RETURNING
  with_hold = 1U << 20,          // DECLARE .. WITH HOLD
  explain_analyze = 1U << 21,    // EXPLAIN ANALYZE, or EXPLAIN (.., ANALYZE ..): runs it
  chain = 1U << 22,              // COMMIT | ROLLBACK AND CHAIN: a transaction follows at once
  snapshot_export = 1U << 23,    // pg_export_snapshot(, SET TRANSACTION SNAPSHOT
  executes = 1U << 24,        // EXPLAIN .. EXECUTE name, CREATE TABLE .. AS EXECUTE name: see name
  dblink_connect = 1U << 25,  // dblink_connect..(: a connection that stays open
};

// Whatever a bit set of statement_flag is asked for.
struct flag_set {
  std::uint32_t bits = 0;
  [[nodiscard]] bool has(statement_flag f) const noexcept {
    return (bits & static_cast<std::uint32_t>(f)) != 0;
  }
  void add(statement_flag f) noexcept { bits |= static_cast<std::uint32_t>(f); }
};

enum class isolation_level : std::uint8_t {
  unset,             // not named
  read_uncommitted,  // in PostgreSQL: read committed
  read_committed,    // each statement has its snapshot
  repeatable_read,   // one snapshot
  serializable,      // one snapshot, conflicts found
};

// Of BEGIN, START TRANSACTION, SET TRANSACTION, SET SESSION CHARACTERISTICS.
struct transaction_modes {
  isolation_level isolation = isolation_level::unset;
  bool read_only = false;       // READ ONLY
  bool read_write = false;      // READ WRITE
  bool deferrable = false;      // DEFERRABLE
  bool not_deferrable = false;  // NOT DEFERRABLE
};

// A byte range of the text; empty if there is none.
struct text_range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  [[nodiscard]] bool empty() const noexcept { return begin == end; }
  [[nodiscard]] std::string_view of(std::string_view text) const noexcept {
    return text.substr(begin, end - begin);
  }
};

struct statement {
  statement_kind kind = statement_kind::other;
  flag_set flags;
  text_range all;  // without its semicolon, without comments before and behind
  text_range
      name;  // of the setting, statement (also one that it executes), cursor, channel, savepoint: see name_of
  text_range value;  // of SET: as written, all of it (`'a', b`, `INTERVAL '1' HOUR`)
  text_range inner;  // of PREPARE, DECLARE, EXPLAIN, and COPY (query): the statement inside
  // The setting's own name where SET, RESET and SHOW spell it otherwise (TIME ZONE, NAMES, ROLE,
  // SESSION AUTHORIZATION, SCHEMA, TRANSACTION ISOLATION LEVEL, XML OPTION); else empty. Static.
  std::string_view special_name;
  bool local = false;             // SET LOCAL
  bool calls = false;             // name( of none of the functions above, or what looks like it
  bool value_is_default = false;  // SET name TO DEFAULT; SET TIME ZONE LOCAL | DEFAULT; ROLE NONE
  transaction_modes modes;
};

// The statement's name as PostgreSQL stores it: see canonical_name. May allocate.
[[nodiscard]] std::string name_of(std::string_view text, const statement& st);

// A token and the keyword that it is.
struct head_token {
  token t;
  word w = word::none;
};

struct statement_limits {
  std::uint32_t statements = 64;  // more: complete() is false
};

class statement_scanner {
 public:
  explicit statement_scanner(statement_limits limits = {});

  void begin(std::string_view text) noexcept;
  void on(const token& t, word w);  // no comments
  void finish();

  [[nodiscard]] std::span<const statement> statements() const noexcept { return list_; }
  [[nodiscard]] bool complete() const noexcept { return complete_; }

 private:
  struct set_config_call {
    std::uint32_t depth = 0;  // of its arguments; 0: not inside a call
    std::uint32_t argument = 0;
    std::uint32_t tokens = 0;  // in the third argument
    bool is_true = false;
  };

  void reset() noexcept;
  void end_statement();
  void classify() noexcept;
  void watch(const token& t, word w);
  void watch_call();
  void note_call(std::string_view name, word function) noexcept;
  void watch_schema();
  void watch_set_config(const token& t, word w) noexcept;
  void watch_keyword(word w) noexcept;
  void watch_modifying(const token& t, word w) noexcept;
  void watch_copy(word w) noexcept;
  void watch_inner(const token& t, word w) noexcept;
  void watch_executes(const token& t, word w) noexcept;
  void watch_body(word w) noexcept;

  statement_limits limits_;
  std::string_view text_;
  std::vector<statement> list_;
  bool complete_ = true;

  statement now_;
  std::array<head_token, 24> head_;  // the first tokens of the statement
  std::uint32_t head_size_ = 0;
  std::uint32_t count_ = 0;           // tokens of the statement so far
  std::uint32_t depth_ = 0;           // open parentheses and brackets
  std::uint32_t body_depth_ = 0;      // BEGIN ATOMIC .. CASE .. END
  word main_verb_ = word::none;       // the verb behind WITH
  word copy_direction_ = word::none;  // FROM or TO of COPY, until the next token
  word dml_waits_ = word::none;       // INSERT, UPDATE, DELETE, MERGE behind a parenthesis
  statement_kind copy_ = statement_kind::other;  // what the COPY is, once known
  bool inner_open_ = false;
  // Of CREATE TABLE .. AS EXECUTE name: whether the query has begun, and of this and EXPLAIN EXECUTE name: whether the
  // name is the next token.
  bool query_begun_ = false;
  bool executes_next_ = false;
  set_config_call set_config_;
  token previous_;
  word previous_word_ = word::none;
};

}  // namespace fairing::codec::sql_lexer
