#include "jobs/logic/packed.hpp"

#include <cstdint>

namespace fairing::jobs {

namespace {

constexpr char version = 1;
constexpr std::uint64_t most_items = 1'000;
constexpr std::uint64_t expired_bit = 1;  // of an attempt
constexpr std::uint64_t unsure_bit = 2;

void number(std::string& out, std::uint64_t n) {
  for (; n >= 128; n >>= 7) out += static_cast<char>(n | 128);
  out += static_cast<char>(n);
}
void text(std::string& out, std::string_view t) {
  number(out, t.size());
  out += t;
}

// Reads; after the first thing that does not fit everything is empty and ok() is false.
class unpacker {
 public:
  explicit unpacker(std::string_view rest) : rest_(rest) {
    if (!rest_.empty() && rest_.front() == version) {
      rest_.remove_prefix(1);
    } else {
      broken();
    }
  }
  std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      n |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return n;
    }
    broken();
    return 0;
  }
  std::string text() {
    const auto size = number();
    if (size > rest_.size()) {
      broken();
      return {};
    }
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  std::uint64_t count() {
    const auto n = number();
    if (n <= most_items) return n;
    broken();
    return 0;
  }
  [[nodiscard]] bool ok() const { return ok_ && rest_.empty(); }

 private:
  void broken() {
    ok_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string pack_spec(const job& j) {
  std::string out(1, version);
  number(out, j.timeout_ms);
  number(out, j.batch);
  text(out, j.owner);
  text(out, j.content_type);
  number(out, j.attempts.size());
  for (const auto delay : j.attempts) number(out, static_cast<std::uint64_t>(delay.count()));
  number(out, j.fields.size());
  for (const auto& [name, value] : j.fields) text(out, name), text(out, value);
  return out;
}

bool unpack_spec(std::string_view packed, job& into) {
  unpacker in(packed);
  into.timeout_ms = static_cast<std::uint32_t>(in.number());
  into.batch = in.number();
  into.owner = in.text();
  into.content_type = in.text();
  into.attempts.clear();
  for (auto n = in.count(); n > 0; --n)
    into.attempts.emplace_back(static_cast<std::int64_t>(in.number()));
  into.fields.clear();
  for (auto n = in.count(); n > 0; --n) {
    auto name = in.text();
    into.fields.emplace_back(std::move(name), in.text());
  }
  return in.ok();
}

std::uint64_t batch_in(std::string_view packed_spec) {
  unpacker in(packed_spec);
  (void)in.number();  // the timeout
  return in.number();
}

std::string pack_history(const job& j) {
  if (j.history.empty()) return {};
  std::string out(1, version);
  number(out, j.history.size());
  for (const auto& a : j.history) {
    number(out, a.attempt);
    number(out, static_cast<std::uint64_t>(a.began_ms));
    number(out, static_cast<std::uint64_t>(a.ended_ms));
    number(out, (a.lease_expired ? expired_bit : 0) | (a.unsure ? unsure_bit : 0));
    text(out, a.error);
  }
  return out;
}

bool unpack_history(std::string_view packed, job& into) {
  into.history.clear();
  if (packed.empty()) return true;
  unpacker in(packed);
  for (auto n = in.count(); n > 0; --n) {
    attempt_record a;
    a.attempt = static_cast<std::uint32_t>(in.number());
    a.began_ms = static_cast<std::int64_t>(in.number());
    a.ended_ms = static_cast<std::int64_t>(in.number());
    const auto bits = in.number();
    a.lease_expired = (bits & expired_bit) != 0;
    a.unsure = (bits & unsure_bit) != 0;
    a.error = in.text();
    into.history.push_back(std::move(a));
  }
  return in.ok();
}

}  // namespace fairing::jobs
