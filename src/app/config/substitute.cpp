#include "app/config/substitute.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace fairing::config {

namespace {

constexpr std::size_t max_secret_bytes = 64 * 1024;

bool is_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (char c : text) {
    const bool ok =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!ok) return false;
  }
  return true;
}

// What one reference (the text between the braces) stands for; nullopt and the reason in `problem`.
std::optional<std::string> resolve(std::string_view inside, const environment& env,
                                   std::string& problem) {
  if (inside.starts_with("file:")) {
    const std::string path(inside.substr(5));
    auto bytes = read_small_file(path, max_secret_bytes, problem);
    if (!bytes) {
      problem += "; make the file readable for this user, or write another reference";
      return std::nullopt;
    }
    if (bytes->ends_with('\n')) bytes->pop_back();
    if (bytes->ends_with('\r')) bytes->pop_back();
    return bytes;
  }
  const auto split = inside.find(":-");
  const std::string name(inside.substr(0, split));
  if (!is_name(name)) {
    problem = fmt::format(
        "`${{{}}}` is not a reference; write ${{VAR}}, ${{VAR:-default}} or "
        "${{file:PATH}}, and $$ for a dollar sign",
        inside);
    return std::nullopt;
  }
  auto value = env(name);
  if (split != std::string_view::npos && (!value || value->empty()))
    return std::string(inside.substr(split + 2));
  if (!value)
    problem = fmt::format(
        "the environment variable {0} is not set; set it or write "
        "${{{0}:-default}}",
        name);
  return value;
}

void substitute_scalar(node& n, const environment& env, diagnostics& errors) {
  if (n.text.find('$') == std::string::npos) return;
  std::string out;
  const std::string_view text = n.written;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] != '$' || (next != '$' && next != '{')) {
      out += text[i];
      continue;
    }
    if (next == '$') {
      out += '$';
      ++i;
      continue;
    }
    const auto end = text.find('}', i);
    if (end == std::string_view::npos) {
      errors.push_back({n.at, {}, fmt::format("`{}` has a ${{ without }}", n.written)});
      return;
    }
    std::string problem;
    const auto value = resolve(text.substr(i + 2, end - i - 2), env, problem);
    if (!value) {
      errors.push_back({n.at, {}, problem});
      return;
    }
    out += *value;
    i = end;
  }
  n.text = std::move(out);
}

}  // namespace

environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

void substitute(node& tree, const environment& env, diagnostics& errors) {
  if (tree.kind == node_kind::scalar) substitute_scalar(tree, env, errors);
  for (auto& item : tree.items) substitute(item, env, errors);
  for (auto& e : tree.entries) substitute(e.value, env, errors);
}

std::optional<std::string> read_small_file(const std::string& path, std::size_t max_bytes,
                                           std::string& problem) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) {
    problem = fmt::format("cannot read {}: {}", path, std::strerror(errno));
    return std::nullopt;
  }
  std::string out;
  char buffer[16384];
  while (true) {
    const auto got = std::fread(buffer, 1, sizeof buffer, file.get());
    out.append(buffer, got);
    if (out.size() > max_bytes) {
      problem = fmt::format("{} is larger than {} bytes", path, max_bytes);
      return std::nullopt;
    }
    if (got < sizeof buffer) break;
  }
  if (std::ferror(file.get()) != 0) {
    problem = fmt::format("cannot read {}: {}", path, std::strerror(errno));
    return std::nullopt;
  }
  return out;
}

}  // namespace fairing::config
