// value: one form for a value, however it crossed the wire.
//
// Problem: a result gives `42` as text, the next statement asks for it as a binary int2 (psycopg 3
// sizes the type by the value), as '42' in quotes (PDO), or as a literal; a uuid comes as 16 bytes or as 36
// characters. To see that a parameter is a result's value they must compare equal.
//
// Flow:  const value_key k = key_of({.bytes = v, .type = oid, .format = value_format::binary});
//        if (k == key_of(column_value)) ...
// Keys are 32-bit seeded hashes of the canonical form, never the value: nothing that was asked for is
// kept. Two different values have one key once in 4·10^9; who concludes looks at several.
// Integers of int2, int4, int8 and oid are one form, in text without leading zeros; other numbers
// (1.0, 1e5) compare by their text. Binary values without a known type: 2, 4 and 8 bytes count as
// integers, 16 as a uuid, others as text.
// Threads: pure; any. Cost: 3 to 10 ns for short values. Source: PostgreSQL 15, int8send, uuid_send.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairing::advise {

enum class value_format : std::uint8_t {
  text,     // as the type's output function writes it
  binary,   // as its send function does
  literal,  // as written in SQL: 42, -1, 'it''s', E'x'
};

// Object ids of the types that have more than one form here (pg_type.dat).
enum class known_type : std::uint32_t {
  unknown = 0,       // not known: see above
  int8 = 20,         // bigint
  int2 = 21,         // smallint
  int4 = 23,         // integer
  text = 25,         // text
  oid = 26,          // object id
  uuid = 2950,       // uuid
  varchar = 1043,    // character varying
  bpchar = 1042,     // character
  unknown_pg = 705,  // a literal without a type
};

struct value_view {
  std::string_view bytes;
  std::uint32_t type = 0;  // object id; 0 not known
  value_format format = value_format::text;
  bool null = false;
  bool left_out = false;  // there, but too long to be kept: equals nothing
};

enum class value_kind : std::uint8_t {
  null,     // no value: equals nothing
  integer,  // see above
  uuid,     // 16 bytes
  text,     // anything else
};

struct value_key {
  std::uint32_t hash = 0;
  value_kind kind = value_kind::null;
  std::int64_t integer = 0;  // of an integer

  [[nodiscard]] bool same(const value_key& o) const noexcept {
    return hash == o.hash && kind == o.kind && kind != value_kind::null;
  }
};

[[nodiscard]] value_key key_of(const value_view& v) noexcept;
[[nodiscard]] value_key integer_key(std::int64_t v) noexcept;

// The value of a LIMIT or OFFSET: -1 if it is no integer (NULL, ALL, an expression).
[[nodiscard]] std::int64_t count_of(const value_view& v) noexcept;

}  // namespace fairing::advise
