#include "advise/indexes/finding.hpp"

#include <nlohmann/json.hpp>

namespace fairing::advise::indexes {

std::string_view name_of(finding_kind k) noexcept {
  switch (k) {
    case finding_kind::primary_key:
      return "primary_key";
    case finding_kind::foreign_key:
      return "foreign_key";
    case finding_kind::where:
      return "where";
    case finding_kind::order_by:
      return "order_by";
    case finding_kind::join:
      return "join";
    case finding_kind::unique:
      return "unique";
    case finding_kind::composite:
      return "composite";
    case finding_kind::unused:
      return "unused";
    case finding_kind::redundant:
      return "redundant";
    case finding_kind::invalid:
      return "invalid";
  }
  return "";
}

std::string_view fault_of(finding_kind k) noexcept {
  switch (k) {
    case finding_kind::primary_key:
      return "the table has no primary key: rows cannot be told apart";
    case finding_kind::foreign_key:
      return "a foreign key without an index: to delete a row it refers to reads all of this table";
    case finding_kind::where:
      return "statements look rows up by it, and no index serves that";
    case finding_kind::order_by:
      return "statements read rows in its order, and no index has that order";
    case finding_kind::join:
      return "statements join tables by it, and no index serves that";
    case finding_kind::unique:
      return "statements look single rows up by it, and nothing keeps its values unique";
    case finding_kind::composite:
      return "statements look rows up by these together, and no single index serves that";
    case finding_kind::unused:
      return "its index is kept up at each write, and no statement reads it";
    case finding_kind::redundant:
      return "its index is contained in another one, and each write pays for both";
    case finding_kind::invalid:
      return "its index was never finished: each write keeps it up, and no statement can read it";
  }
  return "";
}

std::string_view name_of(verification v) noexcept {
  switch (v) {
    case verification::yes:
      return "yes";
    case verification::no:
      return "no";
    case verification::unverified:
      return "unverified";
  }
  return "";
}

std::string_view name_of(finding_source s) noexcept {
  return s == finding_source::plan ? "plan" : "catalogue";
}

nlohmann::json json_of(const finding& f) {
  nlohmann::json out = {{"table", f.table},
                        {"columns", f.columns},
                        {"kind", name_of(f.kind)},
                        {"statement", f.statement},
                        {"gain", nullptr},
                        {"size", nullptr},
                        {"verified", name_of(f.verified)},
                        {"source", name_of(f.source)},
                        {"evidence", f.evidence},
                        {"statements", f.statements}};
  if (f.gain >= 0) {
    out["gain"] = f.gain;
    out["cost_before"] = f.cost_before;
    out["cost_after"] = f.cost_after;
  }
  if (f.size > 0) out["size"] = f.size;
  return out;
}

}  // namespace fairing::advise::indexes
