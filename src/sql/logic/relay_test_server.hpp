// relay_test_server: a PostgreSQL session in memory, as far as names, transactions, settings and errors go.
//
// Problem: what a client of the relay sees must be what a session of its own would have told it. This is that session:
// the same program is run on one directly and on several through relays.
//
// Its SQL: BEGIN, COMMIT, ROLLBACK, SELECT 'text', SELECT $1, SELECT fail() (fails when it is run), SELECT "name" (fails
// when it is parsed), PREPARE, EXECUTE, DEALLOCATE [ALL], DISCARD ALL, SET x TO 'v', RESET x|ALL, SHOW x, and what the relay
// itself sends.
// Source: src/backend/tcop/postgres.c of PostgreSQL 15: exec_parse_message and its neighbours, PostgresMain.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/pgwire/client_messages.hpp"
#include "sql/logic/relay_test_wire.hpp"
#include "sql/logic/settings.hpp"

namespace fairing::sql {

namespace pg = codec::pgwire;

class fake_postgres {
 public:
  // The answer, all of it at once.
  std::string feed(std::string_view bytes) {
    in_ += bytes;
    out_.clear();
    while (in_.size() >= 5) {
      const auto size = pg::load_u32(in_.data() + 1) + 1UL;
      if (in_.size() < size) break;
      const auto message = in_.substr(0, size);
      in_.erase(0, size);
      if (!skip_ || message[0] == 'S') on(message[0], std::string_view(message).substr(5));
    }
    return std::move(out_);
  }
  [[nodiscard]] const std::map<std::string, std::string>& named() const noexcept { return named_; }
  [[nodiscard]] const std::map<std::string, std::string>& settings() const { return settings_; }
  [[nodiscard]] bool idle() const noexcept { return !block_ && !segment_ && !skip_; }
  [[nodiscard]] bool holds_bytes() const noexcept { return !in_.empty(); }

 private:
  using values = std::map<std::string, std::string>;
  struct failure {
    std::string code, message;
  };
  using outcome = std::optional<failure>;

  void on(char type, std::string_view body) {
    if (type == 'S') return sync();
    if (type == 'H') return;
    if (type == 'Q') return query(std::string(pg::read_query(body).value()));
    begin_segment();
    const auto failed = type == 'P'   ? parse(body)
                        : type == 'B' ? bind(body)
                        : type == 'D' ? describe(body)
                        : type == 'C' ? close(body)
                                      : execute(body);
    if (!failed) return;
    say(*failed);
    abort();
    skip_ = true;
  }
  void begin_segment() {
    if (!segment_ && !block_) before_ = settings_;
    segment_ = true;
  }
  void abort() {
    if (block_)
      failed_ = true;
    else
      settings_ = before_;
    if (!block_) portals_.clear();
  }
  void sync() {
    skip_ = segment_ = false;
    if (!block_) portals_.clear();
    ready();
  }
  void ready() { out_ += wire::ready(!block_ ? 'I' : failed_ ? 'E' : 'T'); }
  void say(const failure& f) { out_ += wire::error(f.code, f.message); }
  static failure aborted() { return {"25P02", "current transaction is aborted"}; }
  static bool ends_block(std::string_view sql) { return sql == "COMMIT" || sql == "ROLLBACK"; }
  static failure missing(std::string_view name) {
    return {"26000", name.empty()
                         ? std::string("unnamed prepared statement does not exist")
                         : "prepared statement \"" + std::string(name) + "\" does not exist"};
  }
  static bool returns_rows(std::string_view sql) {
    return sql.starts_with("SELECT") || sql.starts_with("SHOW") || sql.starts_with("EXECUTE");
  }

  outcome parse(std::string_view body) {
    const auto p = pg::read_parse(body).value();
    if (p.name.empty()) unnamed_.reset();
    if (failed_ && !ends_block(p.sql)) return aborted();
    if (p.sql.starts_with("SELECT \"")) return failure{"42703", "column does not exist"};
    if (p.name.empty()) {
      unnamed_ = std::string(p.sql);
    } else {
      if (named_.contains(std::string(p.name)))
        return failure{"42P05",
                       "prepared statement \"" + std::string(p.name) + "\" already exists"};
      named_[std::string(p.name)] = p.sql;
    }
    out_ += wire::parsed();
    return {};
  }
  const std::string* find(std::string_view name) const {
    if (name.empty()) return unnamed_ ? &*unnamed_ : nullptr;
    const auto at = named_.find(std::string(name));
    return at == named_.end() ? nullptr : &at->second;
  }
  outcome bind(std::string_view body) {
    const auto b = pg::read_bind(body).value();
    const auto* sql = find(b.statement);
    if (!sql) return missing(b.statement);
    if (failed_ && !ends_block(*sql)) return aborted();
    std::string text = *sql;
    if (const auto at = text.find("$1"); at != text.npos) {
      if (b.parameters.size() != 1) return failure{"08P01", "bind supplies no parameters"};
      text.replace(at, 2, "'" + std::string(b.parameters.begin()->bytes) + "'");
    }
    portals_[std::string(b.portal)] = text;
    out_ += wire::bound();
    return {};
  }
  outcome describe(std::string_view body) {
    const auto d = pg::read_describe(body).value();
    std::string sql;
    if (d.kind == pg::target_kind::statement) {
      const auto* found = find(d.name);
      if (!found) return missing(d.name);
      sql = *found;
      if (failed_ && returns_rows(sql)) return aborted();
      out_ += sql.find("$1") != sql.npos ? wire::parameters({25}) : wire::parameters();
    } else {
      const auto at = portals_.find(std::string(d.name));
      if (at == portals_.end()) return failure{"34000", "portal does not exist"};
      sql = at->second;
      if (failed_ && returns_rows(sql)) return aborted();
    }
    out_ += returns_rows(sql) ? wire::columns({"v"}) : wire::no_data();
    return {};
  }
  outcome close(std::string_view body) {
    const auto c = pg::read_close(body).value();
    if (c.kind == pg::target_kind::portal)
      portals_.erase(std::string(c.name));
    else if (c.name.empty())
      unnamed_.reset();
    else
      named_.erase(std::string(c.name));
    out_ += wire::closed();
    return {};
  }
  outcome execute(std::string_view body) {
    const auto e = pg::read_execute(body).value();
    const auto at = portals_.find(std::string(e.portal));
    if (at == portals_.end()) return failure{"34000", "portal does not exist"};
    return run(std::string(at->second), false);
  }

  void query(const std::string& text) {
    unnamed_.reset();
    if (!segment_ && !block_) before_ = settings_;
    bool any = false;
    for (const auto& sql : split(text)) {
      any = true;
      const auto failed = failed_ && !ends_block(sql) ? outcome(aborted()) : run(sql, true);
      if (!failed) continue;
      say(*failed);
      abort();
      break;
    }
    if (!any) out_ += wire::raw('I');
    segment_ = false;
    if (!block_) portals_.clear();
    ready();
  }
  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts(1);
    char quote = 0;
    for (const char c : text) {
      if (quote ? c == quote : (c == '\'' || c == '"')) quote = quote ? char{0} : c;
      if (c == ';' && !quote)
        parts.emplace_back();
      else
        parts.back() += c;
    }
    std::vector<std::string> out;
    for (auto& p : parts) {
      p.erase(0, p.find_first_not_of(' '));
      if (!p.empty()) out.push_back(p);
    }
    return out;
  }

  void rows(bool describe, const std::vector<std::vector<std::string>>& all) {
    if (describe)
      out_ += wire::columns(std::vector<std::string>(all.empty() ? 1 : all[0].size(), "v"));
    for (const auto& r : all) out_ += wire::row(r);
    out_ += wire::complete("SELECT " + std::to_string(all.size()));
  }
  void done(std::string_view tag) { out_ += wire::complete(tag); }
  static std::string unquoted(std::string_view s) {
    if (s.size() >= 2 && (s.front() == '\'' || s.front() == '"')) s = s.substr(1, s.size() - 2);
    return std::string(s);
  }

  outcome run(const std::string& sql, bool simple) {
    const std::string_view s = sql;
    const auto after = [&](std::string_view word) { return s.substr(word.size()); };
    if (s == "BEGIN") {
      block_ = true;
      return done("BEGIN"), outcome();
    }
    if (ends_block(s)) {
      const bool undo = failed_ || s == "ROLLBACK";
      if (undo && block_) settings_ = before_;
      block_ = failed_ = false;
      before_ = settings_;
      return done(undo ? "ROLLBACK" : "COMMIT"), outcome();
    }
    if (s == state_query()) return state(), outcome();
    if (s.starts_with("SELECT fail()")) return failure{"22012", "division by zero"};
    if (s.starts_with("SELECT \"")) return failure{"42703", "column does not exist"};
    constexpr std::string_view config = "SELECT pg_catalog.set_config(";
    if (s.starts_with(config)) {
      const auto comma = s.find(',');
      const auto end = s.rfind(',');
      set(unquoted(s.substr(config.size(), comma - config.size())),
          unquoted(s.substr(comma + 1, end - comma - 1)));
      return rows(simple, {{"x"}}), outcome();
    }
    if (s.starts_with("SELECT ")) return rows(simple, {{unquoted(after("SELECT "))}}), outcome();
    if (s.starts_with("SHOW ")) {
      const auto at = settings_.find(std::string(after("SHOW ")));
      return rows(simple, {{at == settings_.end() ? "" : at->second}}), outcome();
    }
    if (s.starts_with("SET ")) {
      const auto to = s.find(" TO ");
      set(std::string(s.substr(4, to - 4)), unquoted(s.substr(to + 4)));
      return done("SET"), outcome();
    }
    if (s == "RESET ALL") return settings_.clear(), done("RESET"), outcome();
    if (s.starts_with("RESET ")) {
      settings_.erase(unquoted(after("RESET ")));
      return done("RESET"), outcome();
    }
    return run_naming(s, simple);
  }
  outcome run_naming(std::string_view s, bool simple) {
    if (s == "DISCARD SEQUENCES") return done(s), outcome();
    if (s == "DISCARD ALL") {
      if (block_) return failure{"25001", "DISCARD ALL cannot run inside a transaction block"};
      settings_.clear();
      before_.clear();
      named_.clear();
      return done(s), outcome();
    }
    if (s == "DEALLOCATE ALL") return named_.clear(), done(s), outcome();
    const auto space = s.find(' ');
    const auto word = s.substr(0, space);
    auto rest = space == s.npos ? std::string_view() : s.substr(space + 1);
    const auto name = unquoted(rest.substr(0, rest.find(' ')));
    if (word == "PREPARE") {
      const std::string inner(rest.substr(rest.find(" AS ") + 4));
      if (inner.starts_with("SELECT \"")) return failure{"42703", "column does not exist"};
      if (named_.contains(name))
        return failure{"42P05", "prepared statement \"" + name + "\" already exists"};
      named_[name] = inner;
      return done("PREPARE"), outcome();
    }
    if (word == "DEALLOCATE") {
      if (named_.erase(name) == 0) return missing(name);
      return done("DEALLOCATE"), outcome();
    }
    if (word == "EXECUTE") {
      const auto at = named_.find(name);
      if (at == named_.end()) return missing(name);
      return run(std::string(at->second), simple);
    }
    return failure{"42601", "syntax error"};
  }
  void set(const std::string& name, const std::string& value) { settings_[name] = value; }
  void state() {
    std::vector<std::vector<std::string>> all;
    for (const auto& [name, value] : settings_) all.push_back({"s", name, value});
    int strangers = 0;
    for (const auto& [name, sql] : named_) strangers += !name.starts_with("fairing_");
    all.push_back({"p", "", std::to_string(strangers)});
    all.push_back({"u", "", "app"});
    rows(true, all);
  }

  std::string in_, out_;
  std::map<std::string, std::string> named_, portals_;
  std::optional<std::string> unnamed_;
  values settings_, before_;
  bool block_ = false;    // a transaction block is open
  bool failed_ = false;   // and failed
  bool segment_ = false;  // extended messages since the last Sync
  bool skip_ = false;
};

}  // namespace fairing::sql
