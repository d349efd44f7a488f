// wire: fields of a message body: big-endian integers, NUL-terminated strings, counted lists.
//
// Problem: every field of a peer's message may lie, about its own length or about how many of it
// there are. `reader` takes fields from a body and remembers the first fault, so that a parser is
// a list of fields and one question at the end; `message_list` then walks what was checked without
// checking it again.
//
// Flow:
//   reader r(body);
//   view.name = r.cstring();
//   view.columns = r.list<column_view>(r.u16());
//   if (const auto e = r.finish(); e != errc::ok) return std::unexpected(e);
//
// Lifecycle: what is read are views into the body. Threads: any. Cost: no allocation; one pass.
// Source: PostgreSQL documentation, "Message Data Types".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "codec/pgwire/errors.hpp"

namespace fairing::codec::pgwire {

// Unchecked: two or four bytes must be there.
[[nodiscard]] inline std::uint16_t load_u16(const char* p) noexcept {
  std::uint16_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap16(v);
}
[[nodiscard]] inline std::uint32_t load_u32(const char* p) noexcept {
  std::uint32_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}
inline void store_u16(char* p, std::uint16_t v) noexcept {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, sizeof v);
}
inline void store_u32(char* p, std::uint32_t v) noexcept {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof v);
}

// `count` items one after another in bytes that a reader has checked. Forward walk only; the items
// are made as the walk goes. Item has `static Item decode(const char*& p) noexcept`.
template <class Item>
class message_list {
 public:
  class iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;

    iterator() noexcept = default;
    iterator(const char* p, std::size_t left) noexcept : p_(p), left_(left) { load(); }
    [[nodiscard]] const Item& operator*() const noexcept { return item_; }
    [[nodiscard]] const Item* operator->() const noexcept { return &item_; }
    iterator& operator++() noexcept {
      --left_;
      load();
      return *this;
    }
    iterator operator++(int) noexcept {
      const auto before = *this;
      ++*this;
      return before;
    }
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return left_ == 0; }
    [[nodiscard]] bool operator==(const iterator& o) const noexcept { return left_ == o.left_; }

   private:
    void load() noexcept {
      if (left_ != 0) item_ = Item::decode(p_);
    }
    const char* p_ = nullptr;
    std::size_t left_ = 0;
    Item item_{};
  };

  message_list() noexcept = default;
  message_list(std::string_view bytes, std::size_t count) noexcept : bytes_(bytes), count_(count) {}
  [[nodiscard]] iterator begin() const noexcept { return {bytes_.data(), count_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  // The list as it is on the wire, without its count.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string_view bytes_;
  std::size_t count_ = 0;
};

// A value of a DataRow, a Bind or a FunctionCall.
struct value_view {
  std::string_view bytes;  // empty for null
  bool null = false;

  static value_view decode(const char*& p) noexcept {
    const auto length = static_cast<std::int32_t>(load_u32(p));
    p += 4;
    if (length < 0) return {{}, true};
    const std::string_view bytes(p, static_cast<std::size_t>(length));
    p += length;
    return {bytes, false};
  }
  [[nodiscard]] bool operator==(const value_view&) const noexcept = default;
};
using value_list = message_list<value_view>;

// The object id of a type.
struct oid_view {
  std::uint32_t oid = 0;
  static oid_view decode(const char*& p) noexcept {
    const oid_view v{load_u32(p)};
    p += 4;
    return v;
  }
};
using oid_list = message_list<oid_view>;

// A string of a list of strings.
struct text_view {
  std::string_view text;
  static text_view decode(const char*& p) noexcept {
    const text_view v{std::string_view(p)};
    p += v.text.size() + 1;
    return v;
  }
};
using text_list = message_list<text_view>;

// Format codes as Bind, FunctionCall and the Copy responses give them: none (all text), one for
// all, or one for each.
class format_codes {
 public:
  format_codes() noexcept = default;
  format_codes(std::string_view bytes, std::size_t count) noexcept : bytes_(bytes), count_(count) {}
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  // The i-th code as it was sent; i < size().
  [[nodiscard]] std::int16_t operator[](std::size_t i) const noexcept {
    return static_cast<std::int16_t>(load_u16(bytes_.data() + 2 * i));
  }
  // The code that holds for the i-th value: 0 text, 1 binary.
  [[nodiscard]] std::int16_t of(std::size_t i) const noexcept {
    if (count_ == 0) return 0;
    if (count_ == 1) return (*this)[0];
    return i < count_ ? (*this)[i] : std::int16_t{0};
  }
  [[nodiscard]] bool all_text() const noexcept {
    for (std::size_t i = 0; i < count_; ++i)
      if ((*this)[i] != 0) return false;
    return true;
  }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string_view bytes_;
  std::size_t count_ = 0;
};

class reader {
 public:
  explicit reader(std::string_view body) noexcept : p_(body.data()), end_(p_ + body.size()) {}

  [[nodiscard]] std::uint8_t u8() noexcept {
    if (!has(1)) return 0;
    return static_cast<std::uint8_t>(*p_++);
  }
  [[nodiscard]] std::uint16_t u16() noexcept {
    if (!has(2)) return 0;
    p_ += 2;
    return load_u16(p_ - 2);
  }
  [[nodiscard]] std::uint32_t u32() noexcept {
    if (!has(4)) return 0;
    p_ += 4;
    return load_u32(p_ - 4);
  }
  [[nodiscard]] std::string_view bytes(std::size_t n) noexcept {
    if (!has(n)) return {};
    p_ += n;
    return {p_ - n, n};
  }
  [[nodiscard]] std::string_view rest() noexcept { return bytes(left()); }
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - p_); }
  // Without its NUL.
  [[nodiscard]] std::string_view cstring() noexcept;
  // A length and that many bytes, or -1 for null.
  [[nodiscard]] value_view value() noexcept;
  [[nodiscard]] value_list values(std::size_t count) noexcept;
  [[nodiscard]] oid_list oids(std::size_t count) noexcept;
  [[nodiscard]] text_list texts(std::size_t count) noexcept;
  // Codes with their count before them; each must be 0 or 1.
  [[nodiscard]] format_codes formats() noexcept;

  void fail(errc e) noexcept {
    if (error_ == errc::ok) error_ = e;
    p_ = end_;
  }
  // Once the fields were read: the first fault, or that something is left.
  [[nodiscard]] errc finish() const noexcept {
    if (error_ != errc::ok) return error_;
    return p_ == end_ ? errc::ok : errc::trailing_bytes;
  }
  [[nodiscard]] errc error() const noexcept { return error_; }
  // Where the reader stands: for taking the bytes of several fields as one view.
  [[nodiscard]] const char* position() const noexcept { return p_; }

 private:
  [[nodiscard]] bool has(std::size_t n) noexcept {
    if (left() >= n && error_ == errc::ok) return true;
    fail(errc::truncated);
    return false;
  }

  const char* p_;
  const char* end_;
  errc error_ = errc::ok;
};

}  // namespace fairing::codec::pgwire
