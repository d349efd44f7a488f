// reload: what a start and a reload must know beside the keys that differ.
//
// Problem: three things do not show in a comparison of two configurations: the address behind port 0,
// files that are named by path and whose content changed (certificates), and which evidence of the
// checklist still tells of what runs.
// Flow:  name_by_address(config, bound);                        // before it is compared or served
//        const auto files = digests_of(config);  ... changed_files(before, files)
//        evidence.retain(evidence_kept(running, next));
// Pure but for digests_of, which reads files; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/config/config.hpp"
#include "checklist/evidence.hpp"

namespace fairing::app {

// Where a site listens on port 0 and has no name of its own it is named by `bound`, its listener's address.
// Sites beyond `bound` are left alone.
void name_by_address(config::config& c, const std::vector<std::string>& bound);

// Key ("http.0.tls.cert") to path and digest of the files that a reload reads again.
struct file_digest {
  std::string path;
  std::uint64_t digest = 0;  // 0: it cannot be read
};
using file_digests = std::map<std::string, file_digest>;
[[nodiscard]] file_digests digests_of(const config::config& c);
// A line each for the keys whose path is the same and whose file has another content.
[[nodiscard]] std::vector<std::string> changed_files(const file_digests& before,
                                                     const file_digests& after);

// Which rows of evidence still hold under `next`. The first route that matches wins, so a route's rows hold if it and
// all routes before it are unchanged; those of no route if all are. Any other change of a site ends all its rows.
[[nodiscard]] std::function<bool(const checklist::row&)> evidence_kept(
    const config::config& running, const config::config& next);

}  // namespace fairing::app
