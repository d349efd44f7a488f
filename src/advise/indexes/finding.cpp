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
