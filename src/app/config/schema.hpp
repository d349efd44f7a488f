// schema: the one table of every configuration key.
//
// Problem: the parser, the messages, `fairing schema`, docs/reference/configuration.md, GET
// /v1/config and the rule of what a reload may change must not drift apart. All come from the rows
// of schema_table.cpp.
//
// Flow:  for (const field& f : fields()) ...        // flat, in the order of the documentation
//        const schema_node& root = schema();        // the same rows as a tree
// Paths: `http[].timeouts.connect`; `[]` marks a list of sections. Defaults are not written in the
// table: they are read from a default-made config through the row's own `get`. Threads: all of it
// is immutable after first use.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/config.hpp"
#include "app/config/value.hpp"

namespace fairing::config {

enum class field_kind : std::uint8_t {
  section,    // a mapping of keys
  list,       // a list of sections; one alone may stand without the list
  boolean,    // true, on, yes | false, off, no
  integer,    // digits
  number,     // 0.5
  share,      // 10%, or 0.1
  size,       // 64MiB
  duration,   // 5s
  rate,       // 10/m
  text,       // any text; a row's `set` may refuse it
  text_list,  // a list of texts; one alone may stand without the list
  word,       // one of `words`
  word_list,  // several of `words`
};

enum class change_kind : std::uint8_t {
  live,     // a reload applies it
  restart,  // a reload that changes it is refused
  later,    // known, but not in this version: using it is an error
};

// Where a row's value lives: the config and the elements of its lists that the walk is in.
struct scope {
  config* root = nullptr;
  http::site_config* site = nullptr;
  http::upstream_config* upstream = nullptr;
  http::route_config* route = nullptr;
  sql::user_config* user = nullptr;
  jobs::queue_config* queue = nullptr;
  jobs::cron_config* cron = nullptr;
  jobs::sqs_config::key* key = nullptr;
};

struct binding {
  // Stores the value; an empty text if it was taken, else why not and what to write instead.
  std::string (*set)(const scope&, const value&) = nullptr;
  value (*get)(const scope&) = nullptr;
  // Of a secret of which a part may be seen: what is printed. Without it a secret is `***`.
  value (*show)(const scope&) = nullptr;
};

// Of a list row: the number of elements there are, and the scope of one (made if `index` is the
// size).
struct elements {
  std::size_t (*count)(const scope&) = nullptr;
  scope (*at)(const scope&, std::size_t index) = nullptr;
};

struct field {
  std::string_view path;
  field_kind kind = field_kind::text;
  std::string_view doc;  // one sentence
  change_kind change = change_kind::live;
  bool required = false;
  bool secret = false;      // never printed
  std::uint64_t least = 0;  // of integers, sizes (bytes), durations (ms)
  std::uint64_t most = UINT64_MAX;
  std::string_view words =
      {};  // "on|observe|off", in the enum's order; of an integer: "auto" for not said
  std::string_view shorthand = {};  // of a section or list: a scalar in its place means this key
  std::string_view fallback = {};   // what the default is, where the struct's own says too little
  binding bind = {};
  elements list = {};
  // Of a section that may be absent as a whole: whether it is there.
  bool (*present)(const scope&) = nullptr;
};

struct schema_node {
  std::string name;            // last part of the path, without []
  const field* row = nullptr;  // null at the root
  std::vector<schema_node> children;

  [[nodiscard]] const schema_node* child(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> child_names() const;
};

[[nodiscard]] std::span<const field> fields();
[[nodiscard]] const schema_node& schema();
[[nodiscard]] std::vector<std::string> words_of(const field& f);
// Whether `auto` stands for "not said" there.
[[nodiscard]] bool takes_auto(const field& f);

// The default as the file would have it ("1s", "64KiB", "[zstd, br, gzip]"), "" if there is none.
[[nodiscard]] std::string default_text(const field& f);
// A value as the file would have it; "" for not said.
[[nodiscard]] std::string to_text(const field& f, const value& v);

// The same paths with their places, for one parent: "http.0.timeouts" + "connect".
[[nodiscard]] std::string join(std::string_view parent, std::string_view key);

}  // namespace fairing::config
