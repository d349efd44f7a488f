#include "app/cli_init.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/cli_options.hpp"
#include "app/config/postgres_url.hpp"
#include "base/ascii.hpp"

namespace fairing::app {

namespace {

// On, where the URL is one that Fairing can pool for; else a comment that says what it lacks.
std::string sql_section(const std::string& url) {
  std::string why;
  const auto parsed = config::parse_postgres_url(url, why);
  const auto section = [](std::string_view c) {
    return fmt::format(
        "{0}sql:\n"
        "{0}  listen: 127.0.0.1:6432                   # point the application's DATABASE_URL "
        "here\n"
        "{0}  session_listen: 127.0.0.1:6433           # for migrations and dumps\n"
        "{0}  upstream: ${{DATABASE_URL}}\n"
        "{0}  pool: {{ mode: transaction, size: auto }}\n",
        c);
  };
  constexpr std::string_view head =
      "\n# Connections to PostgreSQL, pooled. docs/guide/sql.md says what follows a client and "
      "what "
      "does not.\n";
  if (parsed && !parsed->upstream.user.empty()) return std::string(head) + section("");
  // "`h:5432` has no scheme; ..."
  if (const auto said = why.find("` has no scheme"); said != std::string::npos)
    why = "holds " + why.replace(said + 1, 0, ", which");
  if (parsed) why = "names no user and password, which transaction pooling needs";
  return fmt::format("{}# DATABASE_URL {}.\n{}", head, why, section("# "));
}

}  // namespace

std::string first_file(const config::environment& env) {
  const auto text = env("PORT").value_or("3000");
  const auto port = parse_digits(text);
  const std::uint64_t backend = port && *port > 0 && *port <= 65535 ? *port : 3000;
  std::string out = fmt::format(
      "# Fairing's configuration. Check it: fairing validate -c fairing.yaml   Start: fairing run "
      "-c fairing.yaml\n"
      "# Every key: docs/reference/configuration.md, or fairing schema.\n"
      "http:\n"
      "  - listen: 127.0.0.1:{}\n"
      "    upstream: http://127.0.0.1:{}            # your backend\n"
      "    routes:\n"
      "      # Answers that say nothing of their lifetime are not cached until a route gives them "
      "one:\n"
      "      # - match: GET /api/products/**\n"
      "      #   cache: {{ ttl: 5m, stale_while_revalidate: 30s, stale_if_error: 10m, tags: "
      "[products], mode: observe }}\n"
      "      # - {{ match: POST /login, rate_limit: {{ rate: 10/m, burst: 5 }} }}\n"
      "cache: {{ memory: 256MiB }}\n",
      backend == 8080 ? 8081 : 8080, backend);
  if (const auto url = env("DATABASE_URL"); url && !url->empty()) out += sql_section(*url);
  if (env("REDIS_URL"))
    out +=
        "\n# The redis plane is not in this version:\n# redis:\n#   listen: 127.0.0.1:6380\n#   "
        "upstream: ${REDIS_URL}\n";
  return out;
}

answer write_first_file(const std::string& path, bool force, const config::environment& env) {
  const auto text = first_file(env);
  if (path == "-") return {exit_ok, text, {}};
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
  const int fd = open(path.c_str(), flags, 0644);
  if (fd < 0) {
    if (errno == EEXIST)
      return {
          exit_no, {}, fmt::format("fairing: {} is there already; --force overwrites it\n", path)};
    return {exit_usage,
            {},
            fmt::format(
                "fairing: cannot write {}: {}; name another file with --output, or - for stdout\n",
                path, std::strerror(errno))};
  }
  std::size_t done = 0;
  while (done < text.size()) {
    const auto n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int why = errno;
      close(fd);
      return {
          exit_usage, {}, fmt::format("fairing: cannot write {}: {}\n", path, std::strerror(why))};
    }
    done += static_cast<std::size_t>(n);
  }
  close(fd);
  return {exit_ok, fmt::format("wrote {}; start with: fairing run -c {}\n", path, path), {}};
}

}  // namespace fairing::app
