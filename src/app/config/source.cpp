#include "app/config/source.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "app/config/address.hpp"
#include "app/config/overrides.hpp"
#include "app/config/schema.hpp"

namespace fairing::config {

namespace {

constexpr const char* admin_variable = "FAIRING_ADMIN";

// It is a URL for the client commands; `run` takes the address out of it.
std::string admin_from_url(std::string text) {
  if (text.starts_with("http://")) text.erase(0, 7);
  while (text.ends_with('/') && !text.starts_with("unix:")) text.pop_back();
  return text;
}

void from_environment(node& tree, const environment& env) {
  if (const auto admin = env(admin_variable); admin && !admin->empty())
    apply_key(tree, "admin", "listen", admin_from_url(*admin), {admin_variable});
  if (const auto dir = env("FAIRING_RUNTIME_DIR"); dir && !dir->empty())
    apply_key(tree, "runtime", "dir", *dir, {"FAIRING_RUNTIME_DIR"});
}

// What the file says of the admin's address, if it does.
std::optional<node> written_admin(node& tree) {
  auto* n = tree.find("admin");
  if (n != nullptr && n->kind == node_kind::mapping) n = n->find("listen");
  if (n == nullptr || n->kind != node_kind::scalar) return std::nullopt;
  return *n;
}

// A variable that is set for the commands moves the instance too: say so where the file wants another place.
void tell_variable(const std::optional<node>& written, const locations& places, config& c,
                   diagnostics& notes) {
  const auto at = place_of(places, "admin.listen");
  c.admin.listen_of_variable = at.source == admin_variable;
  if (!c.admin.listen_of_variable || !written ||
      parse_listen(written->text) == parse_listen(c.admin.listen))
    return;
  notes.push_back(
      {at, "admin.listen",
       fmt::format("`admin.listen` is {} and not {} of {}: the variable goes before the file; "
                   "unset it, or give --admin, for another",
                   c.admin.listen, written->written, to_text(written->at))});
}

struct flat {
  std::string key;
  std::string text;
  const field* row;
};

void flatten(const schema_node& s, const scope& in, const std::string& path,
             std::vector<flat>& out) {
  for (const auto& c : s.children) {
    const auto full = join(path, c.name);
    const field& row = *c.row;
    if (row.kind == field_kind::section) {
      flatten(c, in, full, out);
    } else if (row.kind == field_kind::list) {
      const auto count = row.list.count(in);
      out.push_back({full, fmt::format("{} elements", count), &row});
      for (std::size_t i = 0; i < count; ++i)
        flatten(c, row.list.at(in, i), fmt::format("{}.{}", full, i), out);
    } else if (row.bind.get != nullptr) {
      out.push_back({full, to_text(row, row.bind.get(in)), &row});
    }
  }
}

std::vector<flat> flatten(const config& c) {
  config copy = c;  // a scope is writable
  std::vector<flat> out;
  scope top;
  top.root = &copy;
  flatten(schema(), top, {}, out);
  return out;
}

std::vector<std::string> differing(const config& a, const config& b, bool only_restart) {
  std::vector<std::string> keys;
  const auto left = flatten(a);
  const auto right = flatten(b);
  // What only one of them has is an element of a list whose count differs, and that is told.
  for (const auto& f : left) {
    if (only_restart && f.row->change != change_kind::restart) continue;
    const auto other =
        std::find_if(right.begin(), right.end(), [&](const flat& o) { return o.key == f.key; });
    if (other != right.end() && other->text != f.text) keys.push_back(f.key);
  }
  return keys;
}

bool usable_directory(const std::string& path) {
  if (access(path.c_str(), F_OK) == 0) return access(path.c_str(), R_OK | X_OK) == 0;
  const auto parent = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  return access(parent.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

loaded config_source::load() const {
  if (file.empty()) return load_text({});
  std::string problem;
  if (const auto text = read_small_file(file, max_file_bytes, problem)) return load_text(*text);
  loaded out;
  out.errors.push_back({{file}, {}, problem + "; `fairing init` writes a first one"});
  return out;
}

loaded config_source::load_text(std::string_view text) const {
  loaded out;
  auto parsed = parse_yaml(text, file, out.errors);
  if (!parsed) return out;
  node& tree = *parsed;
  substitute(tree, env, out.errors);
  const auto admin_of_file = written_admin(tree);
  if (tree.kind == node_kind::mapping) {
    from_environment(tree, env);
    for (const auto& s : sites) apply_site(tree, s.listen, s.url);
    if (!sql.listen.empty()) apply_sql(tree, sql.listen, sql.url);
    if (!jobs.listen.empty()) apply_jobs(tree, jobs.listen, jobs.store);
    if (!admin.empty()) apply_key(tree, "admin", "listen", admin, {"--admin " + admin});
    for (const auto& s : sets) apply_set(tree, s.key, s.value, out.errors);
  }
  // A reference that could not be replaced stays as written and is no second error.
  const auto unresolved = out.errors;
  auto made = decode(tree);
  for (auto& e : made.errors) {
    const bool known = std::any_of(unresolved.begin(), unresolved.end(), [&](const diagnostic& u) {
      return to_text(u.at) == to_text(e.at);
    });
    if (!known) out.errors.push_back(std::move(e));
  }
  if (made.places.empty() || !made.places.contains("")) made.places[""] = tree.at;
  tell_variable(admin_of_file, made.places, made.value, out.notes);
  // With other errors about, a missing site is most likely their consequence.
  if (out.errors.empty()) check(made.value, made.places, out.errors, out.notes);
  const auto order = [](const diagnostic& d) {
    return std::tuple(d.at.line == 0 ? INT32_MAX : d.at.line, d.at.column,
                      std::string_view(d.text));
  };
  std::sort(out.errors.begin(), out.errors.end(),
            [&](const diagnostic& a, const diagnostic& b) { return order(a) < order(b); });
  out.value = std::move(made.value);
  return out;
}

std::vector<std::string> diff_not_reloadable(const config& running, const config& next) {
  return differing(running, next, true);
}

std::vector<std::string> diff(const config& running, const config& next) {
  return differing(running, next, false);
}

std::string runtime_directory(const environment& env, const std::string& configured) {
  if (const auto dir = env("FAIRING_RUNTIME_DIR"); dir && !dir->empty()) return *dir;
  if (!configured.empty()) return configured;
  if (usable_directory("/run/fairing")) return "/run/fairing";
  if (const auto dir = env("XDG_RUNTIME_DIR"); dir && !dir->empty()) return *dir + "/fairing";
  return fmt::format("/tmp/fairing-{}", getuid());
}

}  // namespace fairing::config
