// sample: a small shop's catalogue for the tests of this folder.
//
// Flow:  const catalogue c = sample();   // customers, orders, tiny
// Threads: plain values.
#pragma once

#include "advise/indexes/catalogue.hpp"

namespace fairing::advise::indexes {

inline catalogue sample() {
  catalogue c;
  table customers{1, "public", "customers", 20000, 1'000'000, 0, true, false, {}};
  customers.columns = {
      {1, "id", "bigint", true, true, -1, 0, 0, {}},
      {2, "email", "text", true, true, -1, 0, 0, {}},
      {3, "active", "boolean", true, true, 2, 0, 0.9, {{"t", 0.9}, {"f", 0.1}}},
      {4, "deleted_at", "timestamp with time zone", false, true, -0.1, 0.1, 0, {}}};
  table orders{2, "public", "orders", 60000, 9'000'000, 0, true, false, {}};
  orders.columns = {{1, "id", "bigint", true, true, -1, 0, 0, {}},
                    {2, "customer_id", "bigint", true, true, -0.3, 0, 0, {}},
                    {3, "status", "text", true, true, 5, 0, 0.2, {{"new", 0.02}, {"done", 0.9}}},
                    {4, "placed_at", "timestamp with time zone", true, true, -0.9, 0, 0, {}},
                    {5, "note", "jsonb", false, false, 0, 0, 0, {}}};
  table tiny{3, "public", "tiny", 20, 8192, 0, true, false, {}};
  tiny.columns = {{1, "id", "integer", true, true, -1, 0, 0, {}}};
  c.tables = {customers, orders, tiny};
  c.index_names();
  const auto add = [&](const char* name, std::uint32_t table, std::vector<int> keys, bool primary) {
    index i;
    i.schema = "public";
    i.name = name;
    i.table = table;
    i.key_kind.assign(keys.size(), "1 0 0");
    i.keys = std::move(keys);
    i.primary = i.unique = i.constraint = primary;
    i.scans = 1;
    i.bytes = 81920;
    c.indexes.push_back(std::move(i));
  };
  add("customers_pkey", 1, {1}, true);
  add("orders_pkey", 2, {1}, true);
  add("tiny_pkey", 3, {1}, true);
  c.foreign_keys = {{"orders_customer_id_fkey", 2, {2}, 1}};
  return c;
}

}  // namespace fairing::advise::indexes
