#include "app/config/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>
#include <stdexcept>

namespace fairing::config {

namespace {

// Inside `${...}` these mean something to YAML. They are replaced, one byte for one byte so that
// columns stay, by control characters, which YAML forbids and which are therefore refused in the
// file itself.
constexpr std::string_view special = "{},[]:# ";
constexpr char stand_in_base = '\x10';

void hide_references(std::string& text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] != '$' || text[i + 1] != '{') continue;
    const auto end = text.find_first_of("}\n\"'", i + 2);
    if (end == std::string::npos || text[end] != '}') continue;
    for (std::size_t j = i + 1; j <= end; ++j)
      if (const auto k = special.find(text[j]); k != std::string_view::npos)
        text[j] = static_cast<char>(stand_in_base + static_cast<char>(k));
    i = end;
  }
}

std::string show_references(std::string text) {
  for (char& c : text)
    if (c >= stand_in_base && c < stand_in_base + static_cast<char>(special.size()))
      c = special[static_cast<std::size_t>(c - stand_in_base)];
  return text;
}

struct limit_reached : std::runtime_error {
  limit_reached(const YAML::Mark& m, const std::string& what) : std::runtime_error(what), mark(m) {}
  YAML::Mark mark;
};

class builder final : public YAML::EventHandler {
 public:
  builder(std::string source, std::string_view text) : source_(std::move(source)), text_(text) {}

  node root;

  // yaml-cpp counts bytes; an editor counts characters.
  position at(const YAML::Mark& mark) const {
    if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) > text_.size() || mark.column < 0)
      return {source_, mark.line + 1, mark.column + 1};
    int column = 1;
    for (std::size_t i = static_cast<std::size_t>(mark.pos - mark.column);
         i < static_cast<std::size_t>(mark.pos); ++i)
      if ((static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80) ++column;
    return {source_, mark.line + 1, column};
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    node n;
    n.at = at(mark);
    add(std::move(n), mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw limit_reached(mark, "an alias inside its own anchor");
    node copy = found->second;
    count(copy, mark);
    add(std::move(copy), mark, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    node n;
    n.quoted = tag == "!";
    n.kind = !n.quoted && (value.empty() || value == "~" || value == "null") ? node_kind::null
                                                                             : node_kind::scalar;
    n.written = n.text = show_references(value);
    n.at = at(mark);
    add(std::move(n), mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node_kind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node_kind::mapping, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct frame {
    node value;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    entry pending;
  };

  void count(const node& n, const YAML::Mark& mark) {
    if (++nodes_ > max_nodes)
      throw limit_reached(
          mark, fmt::format("more than {} values (aliases count where they are used)", max_nodes));
    for (const auto& i : n.items) count(i, mark);
    for (const auto& e : n.entries) count(e.value, mark);
  }

  void open(node_kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (stack_.size() >= max_depth)
      throw limit_reached(mark, fmt::format("nested deeper than {} levels", max_depth));
    frame f;
    f.value.kind = kind;
    f.value.at = at(mark);
    f.mark = mark;
    f.anchor = anchor;
    stack_.push_back(std::move(f));
  }

  void close() {
    frame f = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(f.value), f.mark, f.anchor);
  }

  void add(node n, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (n.items.empty() && n.entries.empty()) count(n, mark);
    if (anchor != 0) anchors_[anchor] = n;
    if (stack_.empty()) {
      root = std::move(n);
      return;
    }
    frame& top = stack_.back();
    if (top.value.kind == node_kind::sequence) {
      top.value.items.push_back(std::move(n));
    } else if (!top.has_key) {
      if (n.kind != node_kind::scalar) throw limit_reached(mark, "a key must be a word");
      top.pending.key = n.text;
      top.pending.at = n.at;
      top.has_key = true;
    } else {
      top.pending.value = std::move(n);
      top.value.entries.push_back(std::move(top.pending));
      top.pending = {};
      top.has_key = false;
    }
  }

  std::string source_;
  std::string_view text_;
  std::vector<frame> stack_;
  std::map<YAML::anchor_t, node> anchors_;
  std::size_t nodes_ = 0;
};

// The first tab that indents a line, if any: yaml-cpp's own words for it are of no help.
std::optional<position> indenting_tab(std::string_view text, const std::string& source) {
  int line = 1;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto row = text.substr(0, end);
    const auto first = row.find_first_not_of(' ');
    if (first != std::string_view::npos && row[first] == '\t' &&
        row.find_first_not_of(" \t\r") != std::string_view::npos)
      return position{source, line, static_cast<int>(first) + 1};
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line;
  }
  return std::nullopt;
}

bool refused_characters(std::string_view text, const std::string& source, diagnostics& errors) {
  int line = 1;
  int column = 1;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f) {
      errors.push_back(
          {{source, line, column}, {}, fmt::format("control character 0x{:02x}", byte)});
      return true;
    }
    if (c == '\n') {
      ++line;
      column = 0;
    }
    if ((byte & 0xc0) != 0x80) ++column;  // characters, not bytes
  }
  return false;
}

}  // namespace

node* node::find(std::string_view key) {
  for (auto& e : entries)
    if (e.key == key) return &e.value;
  return nullptr;
}

node scalar_node(std::string text, const position& at) {
  node n;
  n.kind = node_kind::scalar;
  n.written = text;
  n.text = std::move(text);
  n.at = at;
  return n;
}

std::optional<node> parse_yaml(std::string_view text, const std::string& source,
                               diagnostics& errors) {
  if (text.size() > max_file_bytes) {
    errors.push_back({{source}, {}, "larger than 1 MiB"});
    return std::nullopt;
  }
  if (refused_characters(text, source, errors)) return std::nullopt;
  std::string hidden(text);
  hide_references(hidden);
  std::istringstream in(hidden);
  builder made(source, hidden);
  try {
    YAML::Parser parser(in);
    parser.HandleNextDocument(made);
    builder second(source, hidden);
    if (parser.HandleNextDocument(second) && second.root.kind != node_kind::null) {
      errors.push_back({second.root.at, {}, "a second YAML document; keep one"});
      return std::nullopt;
    }
  } catch (const limit_reached& e) {
    errors.push_back({made.at(e.mark), {}, e.what()});
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    if (const auto tab = indenting_tab(text, source); tab && tab->line <= e.mark.line + 1) {
      errors.push_back({*tab, {}, "a tab indents this line; YAML takes spaces only, two a level"});
      return std::nullopt;
    }
    errors.push_back(
        {made.at(e.mark),
         {},
         fmt::format(
             "not YAML: {}; look at the indentation (spaces only, the keys of one mapping under "
             "each other) and for a bracket or quote left open, here or just above",
             show_references(e.msg))});
    return std::nullopt;
  }
  if (made.root.kind == node_kind::null) {
    made.root.kind = node_kind::mapping;
    made.root.at = {source, 1, 1};
  }
  return std::move(made.root);
}

}  // namespace fairing::config
