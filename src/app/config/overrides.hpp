// overrides: flags and environment as edits of the tree that was read from the file.
#pragma once

#include <string>

#include "app/config/diagnostic.hpp"
#include "app/config/yaml_tree.hpp"

namespace fairing::config {

// `--set KEY=VALUE`. Sections and list elements on the way are made; a list index may be at most
// one past the end; a list that has one element may be addressed without index. Unknown keys are
// left to decode.
void apply_set(node& tree, const std::string& key, const std::string& value, diagnostics& errors);

// `--http LISTEN=URL`: replaces the upstream of the site that listens there, else adds a site.
void apply_site(node& tree, const std::string& listen, const std::string& url);

// `--sql LISTEN=URL`: both keys of the sql section. A password shows in no position.
void apply_sql(node& tree, const std::string& listen, const std::string& url);

// `--jobs LISTEN=STORE`: both keys of the jobs section.
void apply_jobs(node& tree, const std::string& listen, const std::string& store);

// A top-level section's key, as in apply_key(tree, "admin", "listen", "off", {"--admin off"}).
void apply_key(node& tree, const std::string& section, const std::string& key,
               const std::string& value, const position& at);

}  // namespace fairing::config
