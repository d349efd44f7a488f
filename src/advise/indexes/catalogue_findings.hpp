// catalogue_findings: what tables and indexes alone tell, without any statement.
//
// Flow:  std::vector<finding> out;
//        find_missing_primary_keys(c, out);  find_redundant(c, out);  find_unused(c, 30, {}, out);  find_invalid(c, out);
//        for (const auto& fk : unindexed_foreign_keys(c)) ...   // to be verified by a plan
// A redundant index is told once, not also as unused; an index that a foreign key needs, or a constraint
// owns, is never told to be dropped.
// Threads: pure; any. Cost: quadratic in the indexes of one table.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "advise/indexes/candidate.hpp"
#include "advise/indexes/catalogue.hpp"
#include "advise/indexes/finding.hpp"

namespace fairing::advise::indexes {

void find_missing_primary_keys(const catalogue& c, std::vector<finding>& out);
void find_redundant(const catalogue& c, std::vector<finding>& out);
// Never scanned in at least `after_days`; nothing is told before so much time was counted. `planned`: names
// of indexes that the plans of today's statements use, which are in use whatever was counted.
void find_unused(const catalogue& c, double after_days, const std::set<std::string>& planned,
                 std::vector<finding>& out);
void find_invalid(const catalogue& c, std::vector<finding>& out);

// Those on tables of least_rows rows and more whose columns begin no index.
[[nodiscard]] std::vector<foreign_key> unindexed_foreign_keys(const catalogue& c);

// Why this index need not be there; nullptr if it must. The other one contains it.
[[nodiscard]] const index* contained_in(const catalogue& c, const index& i);

[[nodiscard]] std::vector<std::string> column_names(const table& t,
                                                    const std::vector<int>& columns);

// As 1234567 rows, 12.3 MiB.
[[nodiscard]] std::string rows_text(double rows);
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace fairing::advise::indexes
