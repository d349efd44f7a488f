#include "app/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli_advise.hpp"
#include "app/cli_init.hpp"
#include "app/cli_jobs.hpp"
#include "app/cli_top.hpp"
#include "app/client.hpp"
#include "app/config/describe.hpp"
#include "app/run.hpp"
#include "app/terminal.hpp"
#include "base/version.hpp"

namespace fairing::app {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds top_interval{1000};

std::string diagnostics_text(const config::diagnostics& list, std::string_view prefix) {
  std::string out;
  for (const auto& d : list) out += fmt::format("{}{}\n", prefix, to_text(d));
  return out;
}

answer validate(const options& o) {
  const auto c = o.source.load();
  answer a;
  a.code = c.ok() ? exit_ok : exit_usage;
  if (o.json) {
    a.out = fmt::format(R"({{"ok":{},"errors":{},"notes":{},"config":{}}})", c.ok(),
                        to_json(c.errors), to_json(c.notes),
                        c.ok() ? json::parse(effective_json(c.value)).dump() : "null") +
            "\n";
    return a;
  }
  a.err = diagnostics_text(c.errors, "") + diagnostics_text(c.notes, "note: ");
  if (!c.ok()) {
    a.err += fmt::format("{} error{}\n", c.errors.size(), c.errors.size() == 1 ? "" : "s");
    return a;
  }
  std::size_t routes = 0;
  for (const auto& s : c.value.http) routes += s.routes.size();
  a.out = fmt::format("{}: ok, {} site{}, {} route{}{}{}\n",
                      o.source.file.empty() ? "configuration" : o.source.file, c.value.http.size(),
                      c.value.http.size() == 1 ? "" : "s", routes, routes == 1 ? "" : "s",
                      c.value.sql ? ", sql on " + c.value.sql->listen : std::string(),
                      c.value.jobs ? ", jobs on " + c.value.jobs->listen : std::string());
  return a;
}

answer version(const options& o) {
  if (o.json) return {exit_ok, fmt::format("{{\"version\":\"{}\"}}\n", fairing::version), {}};
  return {exit_ok, fmt::format("fairing {}\n", fairing::version), {}};
}

// One exchange with the instance; `ok` is set when there is a JSON answer of 2xx.
struct exchange {
  json body;
  answer failed;
  bool ok = false;
};

std::string problem_of(const reply& r) {
  const auto body = json::parse(r.body, nullptr, false);
  if (body.is_object())
    for (const auto* key : {"detail", "title"})
      if (const auto found = body.find(key); found != body.end() && found->is_string())
        return printable(found->get<std::string>());
  return fmt::format("the instance answered {}", r.status);
}

answer failure(const reply& r, const endpoint& where, bool as_json) {
  answer a;
  if (!r.reached) {
    a.code = exit_unreachable;
    a.err = fmt::format(
        "fairing: no instance at {}: {}; start one with fairing run, or name it with --admin URL "
        "or FAIRING_ADMIN\n",
        where.url, printable(r.problem));
  } else if (r.status == 401 || r.status == 403) {
    a.code = exit_no;
    a.err = fmt::format(
        "fairing: the instance at {} refused the token ({}), which was looked for in {}; set "
        "FAIRING_RUNTIME_DIR to the "
        "directory of the instance's token file, or FAIRING_TOKEN to the token (where its "
        "configuration has "
        "admin.token: to that)\n",
        where.url, r.status,
        where.token_path + (where.token_problem.empty() ? "" : " (" + where.token_problem + ")"));
  } else {
    a.code = exit_no;
    a.err = fmt::format("fairing: {}\n", problem_of(r));
  }
  if (as_json)
    a.out = json{{"ok", false}, {"status", r.status}, {"error", a.err.substr(9, a.err.size() - 10)}}
                .dump(-1, ' ', false, json::error_handler_t::replace) +
            "\n";
  return a;
}

exchange take(const reply& r, const endpoint& where, bool as_json) {
  exchange e;
  if (r.reached && r.status >= 200 && r.status < 300) {
    e.body = r.body.empty() ? json::object() : json::parse(r.body, nullptr, false);
    e.ok = !e.body.is_discarded();
    if (!e.ok)
      e.failed = {
          exit_no,
          {},
          fmt::format("fairing: {} did not answer with JSON; is it a Fairing?\n", where.url)};
  } else {
    e.failed = failure(r, where, as_json);
  }
  return e;
}

bool is_trace_id(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

reply ask(const options& o, const admin_client& c) {
  switch (o.what) {
    case verb::check:
      return c.get("/v1/checklist");
    case verb::reload:
      return c.post("/v1/reload", "{}");
    case verb::explain:
      return c.get((is_trace_id(o.subject) ? "/v1/explain?trace=" : "/v1/explain?url=") +
                   percent_encode(o.subject));
    case verb::bypass:
      if (o.subject.empty()) return c.get("/v1/bypass");
      return c.post("/v1/bypass", json{{"what", o.subject}, {"off", o.off}}.dump(
                                      -1, ' ', false, json::error_handler_t::replace));
    case verb::purge: {
      const auto& p = o.purge;
      json body = {{"tags", p.tags}, {"urls", p.urls}, {"prefixes", p.prefixes},
                   {"all", p.all},   {"soft", p.soft}, {"dry_run", p.dry_run}};
      if (!p.wait.empty()) body["wait"] = p.wait;
      return c.post("/v1/purge", body.dump(-1, ' ', false, json::error_handler_t::replace));
    }
    case verb::jobs:
      return ask_jobs(o, c);
    default:
      return {};
  }
}

answer ask_and_render(const options& o, bool colour) {
  const admin_client client(find_instance(o.admin, o.source.env));
  const auto r = ask(o, client);
  if (o.what == verb::explain && r.reached && r.status == 404 && !o.json)
    return {exit_no,
            {},
            fmt::format("fairing: nothing is remembered of {}; only the last requests are\n",
                        printable(o.subject))};
  const auto e = take(r, client.where(), o.json);
  if (!e.ok) return e.failed;
  answer a;
  switch (o.what) {
    case verb::check:
      a = render_checklist(e.body, o.strict, colour);
      break;
    case verb::reload:
      a = render_reload(e.body);
      break;
    case verb::explain:
      a = render_explain(e.body);
      break;
    case verb::bypass:
      a = render_bypass(e.body);
      break;
    case verb::jobs:
      a = render_jobs(o, e.body);
      break;
    default:
      a = render_purge(e.body, o.purge.dry_run);
  }
  if (o.json) a.out = e.body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return a;
}

// What a frame shows of the jobs plane; empty: there is none.
std::string queues_of(const samples& now, const admin_client& client) {
  if (!has_jobs(now)) return {};
  return client.get("/v1/queues").body;
}

answer top_once(const options& o) {
  const admin_client client(find_instance(o.admin, o.source.env));
  const auto r = client.get("/metrics");
  if (!r.reached || r.status != 200) return failure(r, client.where(), o.json);
  const auto now = parse_metrics(r.body);
  const auto queues = queues_of(now, client);
  return {exit_ok, o.json ? frame_json(now, queues) + "\n" : frame(now, queues, nullptr, 0), {}};
}

void print(const std::string& text, std::FILE* to) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

// A frame a second until `q` is pressed or it is interrupted.
int top_live(const options& o) {
  const admin_client client(find_instance(o.admin, o.source.env));
  samples before;
  auto asked = std::chrono::steady_clock::now();
  std::optional<key_terminal> keys;
  for (;;) {
    const auto r = client.get("/metrics");
    if (!r.reached || r.status != 200) {
      const auto a = failure(r, client.where(), false);
      keys.reset();
      print(a.err, stderr);
      return a.code;
    }
    if (!keys) keys.emplace();
    const auto at = std::chrono::steady_clock::now();
    auto now = parse_metrics(r.body);
    const double seconds = std::chrono::duration<double>(at - asked).count();
    print(
        fmt::format(
            "\x1b[H\x1b[2Jfairing {}  {}  (q ends it)\n\n{}", fairing::version, client.where().url,
            frame(now, queues_of(now, client), before.empty() ? nullptr : &before, seconds)),
        stdout);
    before = std::move(now);
    asked = at;
    if (keys->quit_within(top_interval)) return exit_ok;
  }
}

int run(const options& o) {
  const auto first = o.source.load();
  print(diagnostics_text(first.notes, "note: "), stderr);
  if (!first.ok()) {
    print(diagnostics_text(first.errors, ""), stderr);
    return exit_usage;
  }
  return run_instance(first.value, o.source);
}

answer schema_answer(const options& o) {
  return {exit_ok, o.markdown ? config::markdown() : config::json_schema(), {}};
}

answer help_answer(const options& o) {
  return {exit_ok, o.markdown ? help_markdown() : help_text(o.subject), {}};
}

}  // namespace

answer execute(const options& o, bool colour) {
  switch (o.what) {
    case verb::validate:
      return validate(o);
    case verb::init:
      return write_first_file(o.output, o.force, o.source.env);
    case verb::schema:
      return schema_answer(o);
    case verb::version:
      return version(o);
    case verb::help:
      return help_answer(o);
    case verb::top:
      return top_once(o);
    case verb::advise:
      return advise_answer(o);
    default:
      return ask_and_render(o, colour);
  }
}

int cli_main(const std::vector<std::string>& args) {
  try {
    const auto parsed = parse_command_line(args, config::process_environment());
    if (!parsed.value) {
      print(parsed.text, parsed.exit_code == exit_ok ? stdout : stderr);
      return parsed.exit_code;
    }
    const auto& o = *parsed.value;
    if (o.what == verb::run) return run(o);
    if (o.what == verb::top && !o.once && isatty(STDOUT_FILENO) == 1) return top_live(o);
    const bool colour = isatty(STDOUT_FILENO) == 1 && !config::process_environment()("NO_COLOR");
    const auto a = execute(o, colour);
    print(a.out, stdout);
    print(a.err, stderr);
    return a.code;
  } catch (const std::exception& e) {
    print(fmt::format("fairing: {}\n", e.what()), stderr);
    return exit_usage;
  }
}

}  // namespace fairing::app
