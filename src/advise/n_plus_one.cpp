#include "advise/n_plus_one.hpp"

#include <algorithm>

namespace fairing::advise {

session_tracker::entry* session_tracker::entry_of(std::uint32_t text, bool& fresh, run_sink& sink) {
  auto& set = entries_[set_index(text)];
  if (!set) {
    if (room_ != nullptr && !room_->take(sizeof(entry_set))) return nullptr;
    set = std::make_unique<entry_set>();
  }
  entry* oldest = set->data();
  fresh = false;
  for (auto& n : *set) {
    if (n.text == text) {
      n.used = ++tick_;
      return &n;
    }
    if (n.used < oldest->used) oldest = &n;
  }
  end_loop(*oldest, loop_end::over, sink);
  *oldest = {};
  oldest->text = text;
  oldest->used = ++tick_;
  fresh = true;
  return oldest;
}

session_tracker::change session_tracker::compare(const entry& n, const execution& e) noexcept {
  change c;
  if (n.units != e.units.size() || n.rest != e.rest) {
    c.places = 2;
    return c;
  }
  for (std::size_t i = 0; i < e.units.size(); ++i) {
    const auto now = e.units[i].key.hash;
    if (n.hashes[i] == now) continue;
    if (c.places == 0) {
      c = {1, static_cast<std::uint8_t>(i), e.units[i].may_be_key};
    } else if (n.hashes[c.unit] == n.hashes[i] && e.units[c.unit].key.hash == now) {
      c.may_be_key = c.may_be_key && e.units[i].may_be_key;
    } else {
      c.places = 2;
      return c;
    }
  }
  return c;
}

void session_tracker::store(entry& n, const execution& e) noexcept {
  n.units = static_cast<std::uint8_t>(std::min(e.units.size(), most_units));
  n.rest = e.rest;
  n.route = e.route;
  n.last_us = e.now_us;
  for (std::size_t i = 0; i < n.units; ++i) n.hashes[i] = e.units[i].key.hash;
}

void session_tracker::execute(const execution& e, run_sink& sink) {
  if (e.text == 0 || e.units.size() > most_units) return;
  bool fresh = false;
  auto* found = entry_of(e.text, fresh, sink);
  if (found == nullptr) return;
  auto& n = *found;
  if (fresh) return store(n, e);
  const auto c = compare(n, e);
  if (c.places == 2 || e.now_us - n.last_us > limits_.gap_us) {
    end_loop(n, loop_end::over, sink);
    n.chain = 0;
    return store(n, e);
  }
  if (c.places == 0) {
    if (n.loop_keys != 0) static_cast<void>(go_on(n, n.key, true, e.now_us));
    n.last_us = e.now_us;
    return;
  }
  if (e.units[c.unit].key.kind == value_kind::null) {
    n.last_us = e.now_us;  // no row asks for NULL: the loop goes on without it
    return;
  }
  on_key(n, e, c, sink);
}

// One value has changed.
void session_tracker::on_key(entry& n, const execution& e, const change& c, run_sink& sink) {
  const auto& key = e.units[c.unit].key;
  const bool counting =
      key.kind == value_kind::integer && integer_key(key.integer - 1).hash == n.hashes[c.unit];
  if (c.unit != n.key_unit) n.chain = 0;
  const bool goes_on =
      n.loop_keys != 0 && c.unit == n.key_unit && c.may_be_key && go_on(n, key, false, e.now_us);
  if (!goes_on) {
    end_loop(n, counting && c.unit == n.key_unit ? loop_end::counted : loop_end::other_key, sink);
    if (c.may_be_key) begin_loop(n, e, c, counting);
  }
  n.chain = counting ? n.chain + 1 : 0;
  n.key_unit = c.unit;
  n.key = key;
  store(n, e);
}

bool session_tracker::worth_searching(entry& n) const noexcept {
  const auto newer = [&](const result& r) {
    return r.serial > n.searched && !r.open && r.text != n.text;
  };
  // A loop's first key comes behind a value that is not of its result: the new result is worth the second key, too.
  const bool unseen = std::ranges::any_of(results_.all(), newer);
  const bool fresh = unseen || n.again;
  const auto wait = fresh ? std::min(n.misses / 32, 4U) : std::min(n.misses / 4, 16U);
  if (n.skipped++ < wait) return false;
  n.skipped = 0;
  n.again = unseen;
  n.searched = results_.newest();
  return true;
}

void session_tracker::begin_loop(entry& n, const execution& e, const change& c, bool counting) {
  if (results_.newest() == 0 || !worth_searching(n)) return;
  const auto& key = e.units[c.unit].key;
  const auto old_hash = n.hashes[c.unit];
  const auto all = results_.all();
  for (std::uint8_t i = 0; i < all.size(); ++i) {
    const auto& r = all[i];
    if (r.serial == 0 || r.open || e.now_us - r.at_us > limits_.source_age_us) continue;
    search({i, r.serial}, old_hash, key, n);
  }
  if (n.candidates[0].keys == 0) {
    ++n.misses;
    return;
  }
  n.misses = 0;
  for (const auto& found : n.candidates) results_.touch(found.from);
  n.loop_keys = 2;
  ++looping_;
  n.chain_before = counting ? n.chain : 0;
  n.first_us = n.last_us;
  n.lost_us = 0;
  n.asked = {};
  for (const auto hash : {old_hash, key.hash}) n.asked[(hash >> 6) & 3] |= 1ULL << (hash & 63);
}

// Where old and new stand in this order in one column.
void session_tracker::search(result_handle h, std::uint32_t old_hash, const value_key& key,
                             entry& n) const {
  struct seen {
    std::uint16_t row = 0;    // of the last old value, counted from 1; 0: none
    std::uint16_t nulls = 0;  // since then
  };
  std::array<seen, most_columns> old{};
  const auto& r = *results_.find(h);
  const auto columns = facts_.columns(r.text);
  for (auto at = result_store::first(r); !results_.row(at).empty(); results_.next(at)) {
    row_walk walk(results_.row(at));
    value_view v;
    for (std::size_t i = 0; i < most_columns && walk.next(v); ++i) {
      if (v.null) {
        ++old[i].nulls;
        continue;
      }
      if (v.left_out) continue;
      if ((r.binary >> i & 1) != 0) v.format = value_format::binary;
      v.type = i < columns.size() ? columns[i].type : 0;
      const auto k = key_of(v);
      if (k.hash == old_hash) {
        old[i] = {static_cast<std::uint16_t>(at.row + 1), 0};
      } else if (old[i].row != 0 && k.same(key)) {
        const auto apart = static_cast<std::uint32_t>(at.row + 1 - old[i].row - old[i].nulls);
        if (apart <= limits_.window)
          offer(n, {.from = h,
                    .source = r.text,
                    .column = static_cast<std::uint16_t>(i),
                    .keys = 2,
                    .segment = 2,
                    .passed = 1 + apart,
                    .at = at});
        old[i].row = 0;
      }
    }
  }
}

// Keeps the nearest, then the newest.
void session_tracker::offer(entry& n, const candidate& c) noexcept {
  const auto better = [](const candidate& a, const candidate& b) {
    if ((a.keys != 0) != (b.keys != 0)) return a.keys != 0;
    if (a.passed != b.passed) return a.passed < b.passed;
    return a.from.serial > b.from.serial;
  };
  for (auto& kept : n.candidates)
    if (kept.keys != 0 && kept.from.serial == c.from.serial && kept.column == c.column) {
      if (better(c, kept)) kept = c;
      return;
    }
  auto incoming = c;
  for (auto& kept : n.candidates)
    if (better(incoming, kept)) std::swap(incoming, kept);
}

bool session_tracker::go_on(entry& n, const value_key& key, bool same_key, std::int64_t now_us) {
  std::array<bool, most_candidates> fits{};
  bool any = false;
  for (std::size_t i = 0; i < most_candidates; ++i) {
    auto& c = n.candidates[i];
    if (c.keys == 0) continue;
    fits[i] = step(n, c, key, same_key) || (!same_key && next_result(c, key));
    any = any || fits[i];
  }
  if (!any) return false;
  for (std::size_t i = 0; i < most_candidates; ++i) {
    auto& c = n.candidates[i];
    if (!fits[i] && !same_key) c = {};
    if (!fits[i]) continue;
    ++c.keys;
    results_.touch(c.from);
  }
  ++n.loop_keys;
  n.last_us = now_us;
  n.asked[(key.hash >> 6) & 3] |= 1ULL << (key.hash & 63);
  return true;
}

value_view session_tracker::value_at(const result& r, const row_cursor& at,
                                     std::size_t column) const {
  auto v = results_.value(at, column, (r.binary >> std::min<std::size_t>(column, 63) & 1) != 0);
  const auto columns = facts_.columns(r.text);
  if (column < columns.size()) v.type = columns[column].type;
  return v;
}

// Finds the key further down the column.
bool session_tracker::step(const entry& n, candidate& c, const value_key& key, bool same_key) {
  constexpr int most_rows = 128;
  const auto* r = results_.find(c.from);
  if (r == nullptr) return false;
  if (c.beyond) return true;
  const auto move = [&c](const row_cursor& to, std::uint32_t others, bool guessed) {
    c.at = to;
    c.passed += others + 1;
    ++c.segment;
    c.guessed = guessed;
    return true;
  };
  auto at = c.at;
  std::uint32_t others = 0;
  row_cursor unseen;  // the first row whose value is not kept, and the others before it
  std::uint32_t before_unseen = 0;
  for (int i = 0; i < most_rows && others <= limits_.window; ++i) {
    results_.next(at);
    if (results_.row(at).empty()) {
      // What was not kept may well have it; by then the loop must have shown itself.
      c.beyond = r->cut && !same_key && c.keys >= limits_.least;
      if (c.beyond) return true;
      break;
    }
    const auto v = value_at(*r, at, c.column);
    const auto k = key_of(v);
    if (k.same(key)) return move(at, others, false);
    if (same_key) return false;
    if (v.left_out && unseen.block == no_block) {
      unseen = at;
      before_unseen = others;
    }
    const bool asked = (n.asked[(k.hash >> 6) & 3] >> (k.hash & 63) & 1) != 0;
    if (k.kind != value_kind::null && !asked) ++others;
  }
  return unseen.block != no_block && !same_key && !c.guessed && move(unseen, before_unseen, true);
}

// Is the text itself being repeated for the rows of another result?
bool session_tracker::in_loop(std::uint32_t text) const noexcept {
  const auto* set = set_of(text);
  return set != nullptr && std::ranges::any_of(*set, [text](const entry& n) {
           return n.text == text && n.loop_keys != 0;
         });
}

// A nested loop: its keys go on in the next result of the same statement, which is in a loop too. (A list
// that is fetched again begins a new loop.)
bool session_tracker::next_result(candidate& c, const value_key& key) const {
  if (!in_loop(c.source)) return false;
  // One key of a longer list is no loop: the page's first row is looked up, then the next page's.
  const auto* before = results_.find(c.from);
  if (c.segment < 2 && (before == nullptr || before->rows > 1)) return false;
  const auto all = results_.all();
  std::uint8_t newest = no_block;
  for (std::uint8_t i = 0; i < all.size(); ++i) {
    if (all[i].text != c.source || all[i].open || all[i].serial <= c.from.serial) continue;
    if (newest == no_block || all[i].serial > all[newest].serial) newest = i;
  }
  if (newest == no_block) return false;
  const auto& r = all[newest];
  auto at = result_store::first(r);
  for (std::uint32_t i = 0; i < limits_.window && !results_.row(at).empty(); ++i) {
    if (key_of(value_at(r, at, c.column)).same(key)) {
      c.from = {newest, r.serial};
      c.at = at;
      c.segment = 1;
      c.passed += i + 1;
      c.beyond = c.guessed = false;
      return true;
    }
    results_.next(at);
  }
  return false;
}

int session_tracker::name_score(const candidate& c) const {
  const auto columns = facts_.columns(c.source);
  if (c.column >= columns.size()) return 0;
  const auto& name = columns[c.column].name;
  if (name == "id") return 3;
  return (name.ends_with("id") || name.ends_with("Id") ? 1 : 0) +
         (columns[c.column].table != 0 ? 1 : 0);
}

const session_tracker::candidate* session_tracker::best(const entry& n) const {
  const candidate* found = nullptr;
  for (const auto& c : n.candidates) {
    if (c.keys == 0) continue;
    if (found == nullptr || c.keys > found->keys ||
        (c.keys == found->keys && name_score(c) > name_score(*found)))
      found = &c;
  }
  return found;
}

// Every step was +1, and it was counting before the column's keys or went on behind them.
bool session_tracker::is_counter(const entry& n, const candidate& c,
                                 bool counted_on) const noexcept {
  if (n.key.kind != value_kind::integer || c.beyond) return false;
  const bool all_counted = n.chain - n.chain_before + 1 >= n.loop_keys;
  return all_counted && (n.chain_before != 0 || counted_on);
}

void session_tracker::end_loop(entry& n, loop_end how, run_sink& sink) {
  if (n.loop_keys == 0) return;
  const auto* c = best(n);
  const auto keys = c == nullptr ? 0 : c->keys - (c->guessed ? 1 : 0);
  const bool counter = c != nullptr && is_counter(n, *c, how == loop_end::counted);
  const bool at_its_end = c != nullptr && c->at.row + 1 >= c->at.rows;
  if (keys >= limits_.least && keys * 2 >= c->passed && !counter)
    sink.on_run({.text = n.text,
                 .source = c->source,
                 .column = c->column,
                 .unit = n.key_unit,
                 .kind = n.key.kind,
                 .keys = keys,
                 .route = n.route,
                 .lost_us = n.lost_us,
                 .first_us = n.first_us,
                 .last_us = n.last_us});
  else if (how == loop_end::other_key && !counter && !at_its_end)
    sink.on_false_start(n.text, n.loop_keys);
  n.loop_keys = 0;
  --looping_;
  n.candidates = {};
}

void session_tracker::done(std::uint32_t text, std::int64_t duration_us) noexcept {
  auto* set = set_of(text);
  if (set == nullptr || text == 0) return;
  for (auto& n : *set) {
    if (n.text != text) continue;
    n.last_us += std::max<std::int64_t>(duration_us, 0);
    if (n.loop_keys != 0) n.lost_us += std::max<std::int64_t>(duration_us, 0);
    return;
  }
}

void session_tracker::flush(std::int64_t now_us, run_sink& sink) {
  if (looping_ == 0) return;
  for (auto& set : entries_) {
    if (!set) continue;
    for (auto& n : *set)
      if (n.loop_keys != 0 && now_us - n.last_us > limits_.gap_us)
        end_loop(n, loop_end::over, sink);
  }
}

void session_tracker::finish(run_sink& sink) {
  for (auto& set : entries_) {
    if (!set) continue;
    for (auto& n : *set) {
      end_loop(n, loop_end::over, sink);
      n = {};
    }
  }
  results_.clear();
}

void session_tracker::release() noexcept {
  results_.release();
  for (auto& set : entries_) {
    if (set && room_ != nullptr) room_->left += sizeof(entry_set);
    set.reset();
  }
}

}  // namespace fairing::advise
