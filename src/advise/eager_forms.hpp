// eager_forms: the cure of an N+1 loop in the words and code of each ORM.
//
// Problem: whoever reads the report writes Prisma, Django or Hibernate, not SQL. Tables and columns are known
// from the wire; class and relation names follow each framework's own habit and are a best guess (the
// reader knows the right one at once).
//
// Flow:  for (const eager_form& f : eager_forms({.source_template = .., .source_column = "id", ..})) ...
// The framework that the template looks like comes first.
// Direction: a loop over `id` that asks for `orders.user_id` loads children (to many); a loop over
// `orders.user_id` that asks for `users.id` loads a parent (to one).
// Threads: pure; any. Cost: allocates; off the hot path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::advise {

struct loop_names {
  std::string_view source_template;  // printed; whose rows were looped over
  std::string_view source_column;    // as its result names it
  std::string_view loop_template;    // printed; what was sent for each row
  std::uint32_t slot = 1;            // $slot of it that ran
};

struct eager_form {
  std::string_view framework;  // "prisma", "typeorm", ...: fixed names
  std::string code;
};

[[nodiscard]] std::vector<eager_form> eager_forms(const loop_names& names);

// "with prisma: ...": of the framework that wrote the statement; where that is not known of one of each language.
[[nodiscard]] std::string eager_sentence(const loop_names& names);

// The framework that wrote the template, by its habits; empty: none is recognised.
[[nodiscard]] std::string_view likely_framework(const loop_names& names);

// orders -> Order, order_items -> OrderItem, categories -> Category.
[[nodiscard]] std::string model_name(std::string_view table);
// orders -> order; what is no plural stays.
[[nodiscard]] std::string singular(std::string_view word);

}  // namespace fairing::advise
