// fields: reads an action's parameters from a node; the first fault sticks.
//
// Problem: an action has up to ten parameters, each may be missing, of another type or out of range; checking after
// each would bury what an action consists of.
//
// Flow:
//   fields f(tree, form);
//   send_message a{.queue = f.queue(h), ...};
//   if (f.wrong()) return std::unexpected(*f.wrong());
// Each reader gives an empty value once something was wrong. `form`: numbers and booleans are texts.
// Lifecycle: refers to the node and moves texts out of it. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sqs/actions.hpp"
#include "codec/sqs/node.hpp"

namespace fairing::codec::sqs {

class fields {
 public:
  fields(node& object, bool form) noexcept : object_(object), form_(form) {}

  [[nodiscard]] const std::optional<error>& wrong() const noexcept { return wrong_; }
  [[nodiscard]] bool form() const noexcept { return form_; }
  void refuse(errc code, std::string why);

  // Not empty, at most `most` bytes.
  [[nodiscard]] std::string need(std::string_view name, std::size_t most = 1024);
  [[nodiscard]] std::string maybe(std::string_view name, std::size_t most = 1024);
  // From low to high.
  [[nodiscard]] std::optional<std::int32_t> number(std::string_view name, std::int32_t low,
                                                   std::int32_t high);
  [[nodiscard]] std::int32_t need_number(std::string_view name, std::int32_t low,
                                         std::int32_t high);
  // At most `most` texts of 1 to 256 bytes.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name, std::size_t most);
  // At most `most` members with texts; in the order of the request.
  [[nodiscard]] string_pairs pairs(std::string_view name, std::size_t most, std::size_t most_bytes);
  // QueueName, checked.
  [[nodiscard]] std::string queue_name();
  // QueueUrl, else the request's path.
  [[nodiscard]] std::string queue(std::string_view path);
  // The queue of an ARN; `required` or empty.
  [[nodiscard]] std::string queue_by_arn(std::string_view name, bool required);
  // nullptr: missing, or of another kind.
  [[nodiscard]] node* child(std::string_view name, node_kind kind);

 private:
  node& object_;
  bool form_;
  std::optional<error> wrong_;
};

// The last part of `/ACCOUNT/NAME`, of a URL or a path; empty: there is none.
[[nodiscard]] std::string_view queue_of_path(std::string_view url_or_path) noexcept;

}  // namespace fairing::codec::sqs
