// query: the parameters of a query string.
//
// Flow:  query_params q(request.query);  if (!q.ok()) 400;  q.get("url"), q.unknown({"url"})
// Percent encoding is undone and `+` is a space, as HTML forms and the usual client libraries write
// it. At most 32 parameters. Pure.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairing::service {

class query_params {
 public:
  explicit query_params(std::string_view query);

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  // The first of that name; nullopt if there is none.
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  // The first name that is not among the known ones, or that comes twice; "" if there is none.
  [[nodiscard]] std::string unknown(std::initializer_list<std::string_view> known) const;

 private:
  bool ok_ = true;
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace fairing::service
