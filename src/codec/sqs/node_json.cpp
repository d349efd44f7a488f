// JSON text to nodes: the SAX parser of nlohmann's library, bounded here.
#include <nlohmann/json.hpp>
#include <utility>

#include "codec/sqs/errc.hpp"
#include "codec/sqs/node.hpp"

namespace fairing::codec::sqs {

namespace {

// Each call says whether the parser goes on.
class builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add({}); }
  bool boolean(bool) override { return add({.kind = node_kind::boolean}); }
  bool number_integer(number_integer_t value) override {
    return add({.kind = node_kind::integer, .integer = value});
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > INT64_MAX) return add({.kind = node_kind::number});
    return add({.kind = node_kind::integer, .integer = static_cast<std::int64_t>(value)});
  }
  bool number_float(number_float_t, const string_t&) override {
    return add({.kind = node_kind::number});
  }
  bool string(string_t& value) override {
    return add({.kind = node_kind::text, .text = std::move(value)});
  }
  bool binary(binary_t&) override { return false; }  // not in JSON text
  bool start_object(std::size_t) override { return open(node_kind::object); }
  bool start_array(std::size_t) override { return open(node_kind::list); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    const auto& siblings = open_.back()->children;
    if (siblings.size() >= max_object_nodes) return refuse("an object has more than 256 members");
    for (const auto& s : siblings)
      if (s.name == value) return refuse("an object has a member twice");
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    if (why_.empty()) why_ = "not JSON (RFC 8259) at byte " + std::to_string(position);
    return false;
  }

  [[nodiscard]] node& root() noexcept { return root_; }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  bool refuse(const char* why) {
    why_ = why;
    return false;
  }
  bool add(node n) {
    if (open_.empty()) return refuse("not an object");
    if (++count_ > max_nodes) return refuse("more than 4096 values");
    n.name = std::exchange(key_, {});
    open_.back()->children.push_back(std::move(n));
    return true;
  }
  bool open(node_kind kind) {
    if (open_.size() >= max_depth) return refuse("nested deeper than 8");
    if (open_.empty()) {
      if (kind != node_kind::object) return refuse("not an object");
      root_.kind = kind;
      open_.push_back(&root_);
      return true;
    }
    if (!add({.kind = kind})) return false;
    // Stays where it is until it is closed: siblings come only then.
    open_.push_back(&open_.back()->children.back());
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  node root_;
  std::vector<node*> open_;
  std::string key_;
  std::size_t count_ = 0;
  std::string why_;
};

}  // namespace

result<node> read_json(std::string_view body) {
  builder b;
  if (!nlohmann::json::sax_parse(body.begin(), body.end(), &b))
    return fail(errc::malformed_request, "The body cannot be read: " + b.why() + ".");
  return std::move(b.root());
}

}  // namespace fairing::codec::sqs
