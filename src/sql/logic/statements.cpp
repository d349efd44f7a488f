#include "sql/logic/statements.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace fairing::sql {

std::size_t statement_table::hash::operator()(std::string_view s) const noexcept {
  return hash64(s, process_seed());
}

std::string shared_statement::sql_text() const {
  std::string text = definition;
  if (const auto at = text.find(name_mark); at != text.npos)
    text.replace(at, name_mark.size(), name);
  return text;
}

std::string name_on_servers(std::uint32_t id) { return "fairing_" + std::to_string(id); }

std::string statement_table::key_of(std::string_view definition, bool from_sql,
                                    std::string_view scope) {
  std::string key;
  key.reserve(definition.size() + scope.size() + 2);
  key += from_sql ? 's' : 'p';
  key += scope;
  key += '\0';  // no scope has one
  key += definition;
  return key;
}

shared_statement* statement_table::take(std::string_view definition, bool from_sql,
                                        std::string_view scope) {
  auto key = key_of(definition, from_sql, scope);
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    ++at->second->references;
    return at->second.get();
  }
  if (bytes_ + bytes_of(definition) > limits_.bytes) evict_idle();
  if (bytes_ + bytes_of(definition) > limits_.bytes) return nullptr;
  auto made = std::make_unique<shared_statement>();
  made->id = ++last_id_;
  made->name = name_on_servers(made->id);
  made->definition = definition;
  made->scope = scope;
  made->from_sql = from_sql;
  made->references = 1;
  bytes_ += bytes_of(definition);
  auto* s = made.get();
  by_key_.emplace(std::move(key), std::move(made));
  return s;
}

void statement_table::give(shared_statement& s) {
  if (--s.references != 0 || s.listed) return;
  s.listed = true;
  idle_.push_back(&s);
  if (idle_.size() > limits_.idle_statements) evict_idle();
}

// The older half of those that nobody names goes. Servers that still have one of them drop it by age.
void statement_table::evict_idle() {
  std::erase_if(idle_, [](shared_statement* s) {
    if (s->references == 0) return false;
    s->listed = false;
    return true;
  });
  std::sort(idle_.begin(), idle_.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  const auto gone = (idle_.size() + 1) / 2;
  for (std::size_t i = 0; i < gone; ++i) {
    auto* s = idle_[i];
    bytes_ -= bytes_of(s->definition);
    by_key_.erase(key_of(s->definition, s->from_sql, s->scope));
  }
  idle_.erase(idle_.begin(), idle_.begin() + static_cast<std::ptrdiff_t>(gone));
}

const server_statements::held* server_statements::find(const shared_statement& s) {
  const auto at = held_.find(s.id);
  if (at == held_.end()) return nullptr;
  at->second.used = ++uses_;
  return &at->second;
}

std::optional<std::uint32_t> server_statements::add(const shared_statement& s,
                                                    std::uint64_t epoch) {
  std::optional<std::uint32_t> oldest;
  if (held_.size() >= most_ && !held_.contains(s.id)) {
    const auto at = std::min_element(held_.begin(), held_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    });
    oldest = at->first;
    held_.erase(at);
  }
  held_[s.id] = {epoch, ++uses_};
  return oldest;
}

}  // namespace fairing::sql
