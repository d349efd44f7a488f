// schema_bind: from member pointers to the `set` and `get` of a schema row.
//
// Flow:  .bind = bound<&scope::site, &site_config::timeouts, &timeouts_config::connect>()
// An optional struct on the way is made when something in it is set, and reads as "not said" while
// absent.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "app/config/schema.hpp"

namespace fairing::config::detail {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

template <class T>
void assign(T& to, const value& v) {
  if constexpr (is_optional<T>::value) {
    if (std::holds_alternative<std::monostate>(v))
      to.reset();  // `auto`
    else
      assign(to.emplace(), v);
  } else if constexpr (std::is_enum_v<T>) {
    to = static_cast<T>(std::get<word>(v).index);
  } else if constexpr (std::is_same_v<T, std::string>) {
    to = std::holds_alternative<word>(v) ? std::get<word>(v).text : std::get<std::string>(v);
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    to = std::get<T>(v);
  } else if constexpr (is_vector<T>::value) {
    to.clear();
    for (const auto& w : std::get<std::vector<word>>(v))
      to.push_back(static_cast<typename T::value_type>(w.index));
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    to = static_cast<T>(std::get<std::uint64_t>(v));  // the row's range was checked before
  } else {
    to = std::get<T>(v);
  }
}

template <class T>
value taken(const T& from) {
  if constexpr (is_optional<T>::value) {
    if (!from.has_value()) return std::monostate{};
    return taken(*from);
  } else if constexpr (std::is_enum_v<T>) {
    return word{static_cast<std::size_t>(from), {}};
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return from;
  } else if constexpr (is_vector<T>::value) {
    std::vector<word> out;
    out.reserve(from.size());
    for (const auto e : from) out.push_back({static_cast<std::size_t>(e), {}});
    return out;
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return static_cast<std::uint64_t>(from);
  } else {
    return from;
  }
}

template <class Owner, class First, class... Rest>
void put(Owner& owner, const value& v, First first, Rest... rest) {
  auto& member = owner.*first;
  if constexpr (sizeof...(rest) == 0) {
    assign(member, v);
  } else if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>::value) {
    if (!member) member.emplace();
    put(*member, v, rest...);
  } else {
    put(member, v, rest...);
  }
}

template <class Owner, class First, class... Rest>
value take(const Owner& owner, First first, Rest... rest) {
  const auto& member = owner.*first;
  if constexpr (sizeof...(rest) == 0) {
    return taken(member);
  } else if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>::value) {
    if (!member) return std::monostate{};
    return take(*member, rest...);
  } else {
    return take(member, rest...);
  }
}

// `Root` picks the pointer in the scope, the others lead from there to the member.
template <auto Root, auto... Members>
constexpr binding bound() {
  return {[](const scope& s, const value& v) -> std::string {
            put(*(s.*Root), v, Members...);
            return {};
          },
          [](const scope& s) -> value { return take(*(s.*Root), Members...); }};
}

// The same with a check of the value before it is stored: `Check` answers why it is refused, or "".
template <auto Check, auto Root, auto... Members>
constexpr binding checked() {
  return {[](const scope& s, const value& v) -> std::string {
            if (auto why = Check(v); !why.empty()) return why;
            put(*(s.*Root), v, Members...);
            return {};
          },
          [](const scope& s) -> value { return take(*(s.*Root), Members...); }};
}

}  // namespace fairing::config::detail
