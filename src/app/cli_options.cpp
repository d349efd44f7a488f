#include "app/cli_options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>

#include "app/cli_advise.hpp"
#include "app/cli_jobs.hpp"
#include "app/config/nearest.hpp"
#include "app/config/postgres_url.hpp"
#include "base/version.hpp"

namespace fairing::app {

namespace {

struct raw_flags {
  std::vector<std::string> http, sql, redis, jobs, set;
};

struct verb_row {
  verb what;
  const char* name;
  const char* doc;
};

constexpr std::array<verb_row, 14> verbs = {{
    {verb::run, "run",
     "Serve. Prints one JSON line with the listeners when ready; logs go to stderr."},
    {verb::validate, "validate", "Read a configuration and say everything that is wrong with it."},
    {verb::init, "init", "Write a first fairing.yaml from PORT, DATABASE_URL and REDIS_URL."},
    {verb::reload, "reload", "Make the running instance read its configuration again."},
    {verb::check, "check", "The checklist: what the traffic showed, with evidence and fix."},
    {verb::explain, "explain",
     "Why the last answers of a URL or a trace were hits or misses. Makes no request."},
    {verb::top, "top", "Live counters of the running instance."},
    {verb::bypass, "bypass",
     "Turn a plane or rule off at once (--off ends it); without argument list what is off."},
    {verb::purge, "purge", "Drop what is cached, by tag, URL, prefix, or all of it."},
    {verb::jobs, "jobs", jobs_doc},
    {verb::advise, "advise", advise_doc},
    {verb::schema, "schema", "Every configuration key, as JSON Schema."},
    {verb::version, "version", "Which Fairing this is."},
    {verb::help, "help", "Help for all commands or one."},
}};

constexpr const char* listen_doc =
    "LISTEN is PORT (loopback), HOST:PORT or unix:PATH; port 0 picks a free one";

void add_config_options(CLI::App& v, options& o, raw_flags& raw) {
  v.add_option("-c,--config", o.source.file,
               "The configuration file (FAIRING_CONFIG; ./fairing.yaml if it is there and no "
               "--http, --sql or --jobs is given)");
  v.add_option(
       "--set", raw.set,
       "KEY=VALUE: any key of the configuration, as in http.0.timeouts.total=3s; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  v.add_option("--http", raw.http,
               fmt::format("A site: listen there, pass on to URL. {}; may be repeated", listen_doc))
      ->type_name("LISTEN=URL")
      ->allow_extra_args(false);
  v.add_option("--sql", raw.sql,
               "The sql plane: listen there, pool connections to postgres://USER:PASSWORD@HOST/"
               "DATABASE; better DATABASE_URL and a file than a password on the command line")
      ->type_name("LISTEN=URL")
      ->allow_extra_args(false);
  v.add_option("--redis", raw.redis, "Not in this version")
      ->type_name("LISTEN=URL")
      ->allow_extra_args(false);
  v.add_option("--jobs", raw.jobs,
               "The jobs plane: listen there, keep jobs in STORE: sqlite:PATH or postgres://...")
      ->type_name("LISTEN=STORE")
      ->allow_extra_args(false);
  v.add_option("--admin", o.source.admin, "Where the admin listens, or off")->type_name("LISTEN");
}

void add_purge_options(CLI::App& v, options& o) {
  v.add_option("--tag", o.purge.tags, "Everything that bears the tag; may be repeated")
      ->allow_extra_args(false);
  v.add_option("--url", o.purge.urls, "One URL, all its variants; may be repeated")
      ->allow_extra_args(false);
  v.add_option("--prefix", o.purge.prefixes, "Every URL that begins so; may be repeated")
      ->allow_extra_args(false);
  v.add_flag("--all", o.purge.all, "Everything");
  v.add_flag("--soft", o.purge.soft, "Mark stale instead of dropping: stale windows still serve");
  v.add_flag("--dry-run", o.purge.dry_run, "Only say what would be purged");
  v.add_option("--wait", o.purge.wait, "edge: answer when the CDN has it too")
      ->check(CLI::IsMember({"edge"}))
      ->type_name("edge");
}

void add_options(CLI::App& v, verb what, options& o, raw_flags& raw) {
  switch (what) {
    case verb::run:
    case verb::validate:
      add_config_options(v, o, raw);
      break;
    case verb::init:
      v.add_option("-o,--output", o.output, "The file to write; - is stdout")
          ->default_str("fairing.yaml");
      v.add_flag("--force", o.force, "Overwrite a file that is there");
      break;
    case verb::check:
      v.add_flag("--strict", o.strict, "Exit 1 for warnings too");
      break;
    case verb::explain:
      v.add_option("subject", o.subject, "A URL or path, or a trace id of 32 hex digits")
          ->type_name("URL|TRACE-ID");
      break;
    case verb::top:
      v.add_flag("--once", o.once, "One plain frame, then exit");
      break;
    case verb::bypass:
      v.add_option("subject", o.subject,
                   "A plane (http), a site's name or a route's match; without: what is bypassed")
          ->type_name("PLANE|RULE");
      v.add_flag("--off", o.off, "End the bypass");
      break;
    case verb::purge:
      add_purge_options(v, o);
      break;
    case verb::jobs:
      add_jobs_options(v, o.jobs);
      break;
    case verb::advise:
      add_advise_options(v, o.advise);
      v.add_flag("--strict", o.strict, "Exit 1 if there is advice");
      break;
    case verb::schema:
      v.add_flag("--markdown", o.markdown, "As docs/reference/configuration.md")->group("");
      break;
    case verb::help:
      v.add_option("subject", o.subject, "The command")->type_name("COMMAND");
      v.add_flag("--markdown", o.markdown, "As docs/reference/cli.md")->group("");
      break;
    case verb::reload:
    case verb::version:
      break;
  }
  v.add_flag("--json", o.json, "Answer as JSON");
  const bool client = what == verb::reload || what == verb::check || what == verb::explain ||
                      what == verb::top || what == verb::bypass || what == verb::purge ||
                      what == verb::jobs;
  if (client)
    v.add_option("--admin", o.admin,
                 "The instance (FAIRING_ADMIN), default http://127.0.0.1:9900; or PORT, HOST:PORT, "
                 "unix:PATH")
        ->type_name("URL");
}

void build(CLI::App& app, options& o, raw_flags& raw) {
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.set_help_flag("-h,--help", "This help");
  for (const auto& row : verbs) {
    auto* v = app.add_subcommand(row.name, row.doc);
    v->allow_extras();
    add_options(*v, row.what, o, raw);
    v->callback([&o, what = row.what] { o.what = what; });
  }
}

std::vector<std::string> verb_names() {
  std::vector<std::string> out;
  for (const auto& row : verbs) out.emplace_back(row.name);
  return out;
}

std::vector<std::string> flag_names(const CLI::App& v) {
  std::vector<std::string> out;
  for (const auto* option : v.get_options())
    for (const auto& name : option->get_lnames()) out.push_back("--" + name);
  return out;
}

parsed_command refuse(std::string text) {
  return {std::nullopt, exit_usage, "fairing: " + std::move(text) + "\n"};
}

// What was left over: a slip in a flag, or one word too many.
parsed_command refuse_extra(const CLI::App& v, const std::string& word) {
  if (!word.starts_with('-'))
    return refuse(
        fmt::format("`{}` takes no `{}`; see fairing help {}", v.get_name(), word, v.get_name()));
  const auto name = word.substr(0, word.find('='));
  auto hint = config::did_you_mean(name, flag_names(v));
  if (hint.empty())
    hint = v.get_name() == "fairing" ? "; see fairing help"
                                     : fmt::format("; see fairing help {}", v.get_name());
  return refuse(fmt::format("`{}` has no flag `{}`{}", v.get_name(), name, hint));
}

std::optional<std::string> take_sql(const std::vector<std::string>& texts, options& o) {
  for (const auto& text : texts) {
    const auto split = text.find('=');
    const auto listen = text.substr(0, split);
    if (split == std::string::npos || split == 0 || split + 1 == text.size() ||
        listen.find("://") != std::string::npos)
      return fmt::format(
          "--sql {}: write LISTEN=URL, as in --sql 6432=postgres://app:secret@127.0.0.1/shop",
          config::masked(text));
    if (!o.source.sql.listen.empty())
      return fmt::format("--sql is given twice ({} and {}); one Fairing has one sql plane",
                         o.source.sql.listen, listen);
    o.source.sql = {listen, text.substr(split + 1)};
  }
  return std::nullopt;
}

std::optional<std::string> take_jobs(const std::vector<std::string>& texts, options& o) {
  for (const auto& text : texts) {
    const auto split = text.find('=');
    if (split == std::string::npos || split == 0 || split + 1 == text.size())
      return fmt::format("--jobs {}: write LISTEN=STORE, as in --jobs 9324=sqlite:fairing-jobs.db",
                         config::masked(text));
    if (!o.source.jobs.listen.empty())
      return fmt::format("--jobs is given twice ({} and {}); one Fairing has one jobs plane",
                         o.source.jobs.listen, text.substr(0, split));
    o.source.jobs = {text.substr(0, split), text.substr(split + 1)};
  }
  return std::nullopt;
}

std::optional<std::string> take_flags(const raw_flags& raw, options& o) {
  if (!raw.redis.empty())
    return fmt::format("`--redis` is not in this version of Fairing ({}); remove it",
                       fairing::version);
  for (const auto& text : raw.http) {
    const auto split = text.find('=');
    if (split == std::string::npos || split == 0 || split + 1 == text.size())
      return fmt::format("--http {}: write LISTEN=URL, as in --http 8080=http://127.0.0.1:3000",
                         text);
    const auto listen = text.substr(0, split);
    for (const auto& s : o.source.sites)
      if (s.listen == listen && listen != "0" && !listen.ends_with(":0"))
        return fmt::format(
            "--http {}: {} is given twice; for several backends write a list of `upstream` in a "
            "file",
            text, listen);
    o.source.sites.push_back({text.substr(0, split), text.substr(split + 1)});
  }
  if (auto problem = take_sql(raw.sql, o)) return problem;
  if (auto problem = take_jobs(raw.jobs, o)) return problem;
  for (const auto& text : raw.set) {
    const auto split = text.find('=');
    if (split == std::string::npos || split == 0)
      return fmt::format("--set {}: write KEY=VALUE, as in --set cache.memory=64MiB", text);
    o.source.sets.push_back({text.substr(0, split), text.substr(split + 1)});
  }
  return std::nullopt;
}

std::optional<std::string> complete(const raw_flags& raw, const config::environment& env,
                                    options& o) {
  if (auto problem = take_flags(raw, o)) return problem;
  o.source.env = env;
  const bool reads_file = o.what == verb::run || o.what == verb::validate;
  if (reads_file && o.source.file.empty()) {
    if (const auto file = env("FAIRING_CONFIG"); file && !file->empty())
      o.source.file = *file;
    else if (raw.http.empty() && raw.sql.empty() && raw.jobs.empty() &&
             access("fairing.yaml", F_OK) == 0)
      o.source.file = "fairing.yaml";
  }
  if (o.what == verb::init && o.output.empty()) o.output = "fairing.yaml";
  if (o.admin.empty()) o.admin = env("FAIRING_ADMIN").value_or("");
  if (o.admin.empty()) o.admin = "http://127.0.0.1:9900";
  const auto& p = o.purge;
  if (o.what == verb::purge && p.tags.empty() && p.urls.empty() && p.prefixes.empty() && !p.all)
    return "purge what? give --tag, --url, --prefix or --all";
  for (const auto& [flag, urls] : {std::pair{"--url", &p.urls}, {"--prefix", &p.prefixes}})
    for (const auto& url : *urls)
      if (!url.starts_with("http://") && !url.starts_with("https://"))
        return fmt::format("{} {}: write it as clients do, http://HOST[:PORT]/PATH", flag, url);
  if (o.what == verb::bypass && o.off && o.subject.empty())
    return "bypass --off needs the plane or rule whose bypass ends";
  if (o.what == verb::explain && o.subject.empty())
    return "explain what? give a URL, a path or a trace id, as in fairing explain /api/products";
  if (o.what == verb::top && o.json && !o.once) return "top --json needs --once";
  if (o.what == verb::jobs) return complete_jobs(o);
  if (o.what == verb::advise) return complete_advise(o);
  return std::nullopt;
}

std::string plain_help(const CLI::App& app) {
  auto text = app.help();
  return text.ends_with('\n') ? text : text + "\n";
}

}  // namespace

parsed_command parse_command_line(const std::vector<std::string>& args,
                                  const config::environment& env) {
  CLI::App app{"Fairing makes a backend fast and keeps it up.", "fairing"};
  options o;
  raw_flags raw;
  build(app, o, raw);
  if (args.empty()) return {std::nullopt, exit_usage, plain_help(app)};
  if (args[0] == "--version" || args[0] == "-V") {
    o.what = verb::version;
    return {o, exit_ok, {}};
  }
  const auto names = verb_names();
  if (!args[0].starts_with('-') && std::find(names.begin(), names.end(), args[0]) == names.end())
    return refuse(fmt::format("unknown command `{}`{}", args[0], [&] {
      auto hint = config::did_you_mean(args[0], names);
      return hint.empty() ? fmt::format("; known are {}", fmt::join(names, ", ")) : hint;
    }()));
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    return {std::nullopt, exit_ok, plain_help(chosen.empty() ? app : *chosen.front())};
  } catch (const CLI::ParseError& e) {
    return refuse(fmt::format("{}; see fairing help", e.what()));
  }
  const auto chosen = app.get_subcommands();
  if (chosen.empty())
    return refuse_extra(app, app.remaining().empty() ? args[0] : app.remaining().front());
  if (const auto extra = chosen.front()->remaining(); !extra.empty())
    return refuse_extra(*chosen.front(), extra.front());
  if (const auto extra = app.remaining(); !extra.empty())
    return refuse_extra(*chosen.front(), extra.front());
  if (auto problem = complete(raw, env, o)) return refuse(*problem);
  if (o.what == verb::help && !o.subject.empty() &&
      std::find(names.begin(), names.end(), o.subject) == names.end())
    return refuse(
        fmt::format("unknown command `{}`{}", o.subject, config::did_you_mean(o.subject, names)));
  return {o, exit_ok, {}};
}

std::string help_text(const std::string& verb_name) {
  CLI::App app{"Fairing makes a backend fast and keeps it up.", "fairing"};
  options o;
  raw_flags raw;
  build(app, o, raw);
  return plain_help(verb_name.empty() ? app : *app.get_subcommand(verb_name));
}

std::string help_markdown() {
  CLI::App app;
  options o;
  raw_flags raw;
  build(app, o, raw);
  std::string out = fmt::format(
      "# Command line\n\nGenerated by `fairing help --markdown` (Fairing {}); do not edit.\n\n"
      "Exit codes: 0 done or yes, 1 it says no, 2 usage or configuration, 3 no instance at that "
      "address. Commands that "
      "talk to a running instance read its token from FAIRING_TOKEN or "
      "`$FAIRING_RUNTIME_DIR/token` (default "
      "`/run/fairing/token`, else `$XDG_RUNTIME_DIR/fairing/token`).\n",
      fairing::version);
  for (const auto& row : verbs) {
    const auto* v = app.get_subcommand(row.name);
    out += fmt::format("\n## `fairing {}`\n{}\n\n| | |\n|---|---|\n", row.name, row.doc);
    for (const auto* option : v->get_options()) {
      if (option->get_group().empty() || option->check_lname("help")) continue;
      const auto type = option->get_type_name();
      const bool flag = option->get_items_expected_max() == 0;
      std::string name =
          option->get_positional() ? option->get_type_name() : option->get_name(false, true);
      for (auto at = name.find('|'); at != std::string::npos; at = name.find('|', at + 2))
        name.insert(at, "\\");
      out +=
          fmt::format("| `{}{}` | {} |\n", name, flag || option->get_positional() ? "" : " " + type,
                      option->get_description());
    }
  }
  return out;
}

}  // namespace fairing::app
