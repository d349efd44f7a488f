// source: where a configuration comes from, so that it can be read again in the same way.
//
// Problem: a reload must apply the flags and the environment of the start over the changed file, in
// the same order.
//
// Flow:  config_source from{.file = "fairing.yaml", .sites = {{"8080", "http://127.0.0.1:3000"}}};
//        loaded first = from.load();                   // at start
//        loaded next = from.load();                    // on reload
//        auto keys = diff_not_reloadable(first.value, next.value);   // not empty: refuse, say
//        "restart"
// Precedence: --set, flags, environment, file. Threads: load() reads files; call it off the serving
// cores.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config/check.hpp"
#include "app/config/config.hpp"
#include "app/config/diagnostic.hpp"
#include "app/config/substitute.hpp"

namespace fairing::config {

struct loaded {
  config value;        // meaningful only without errors
  diagnostics errors;  // all that were found
  diagnostics notes;   // worth saying; no reason to stop
  [[nodiscard]] bool ok() const { return errors.empty(); }
};

struct site_flag {
  std::string listen;  // as given to --http, before the first `=`
  std::string url;     // after it
};

struct sql_flag {
  std::string listen;  // as given to --sql, before the first `=`; empty: not given
  std::string url;
};

struct jobs_flag {
  std::string listen;  // as given to --jobs, before the first `=`; empty: not given
  std::string store;
};

struct set_flag {
  std::string key;    // "http.0.timeouts.total"
  std::string value;  // a scalar, or YAML if it begins with [ or {
};

struct config_source {
  std::string file;              // empty: none
  std::vector<site_flag> sites;  // --http, in order
  sql_flag sql;                  // --sql
  jobs_flag jobs;                // --jobs
  std::string admin;             // --admin of `run`; empty: not given
  std::vector<set_flag> sets;    // --set, in order
  environment env = process_environment();

  // Reads and checks everything. A file that cannot be read is an error like any other.
  [[nodiscard]] loaded load() const;
  // The same as if `file` held this text.
  [[nodiscard]] loaded load_text(std::string_view text) const;
};

// The keys that differ between the two and that a reload cannot change ("http.0.listen"), in the
// table's order.
[[nodiscard]] std::vector<std::string> diff_not_reloadable(const config& running,
                                                           const config& next);
// All keys that differ, for the answer of a reload.
[[nodiscard]] std::vector<std::string> diff(const config& running, const config& next);

// The directory of the token: FAIRING_RUNTIME_DIR, else `configured`, else /run/fairing if it can
// be written or made, else $XDG_RUNTIME_DIR/fairing, else /tmp/fairing-UID. Makes nothing.
[[nodiscard]] std::string runtime_directory(const environment& env,
                                            const std::string& configured = {});

}  // namespace fairing::config
