// cli_options: the words of the command line, parsed into values.
//
// Flow:  auto parsed = parse_command_line({"purge", "--tag", "products"}, env);
//        if (!parsed.value) { print parsed.text; return parsed.exit_code; }   // help, version or a
//        usage error
// No side effects: reads nothing but its arguments and the environment it is given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/advise/advise_command.hpp"
#include "app/config/source.hpp"

namespace fairing::app {

// Exit codes of every command.
inline constexpr int exit_ok = 0;           // done, or yes
inline constexpr int exit_no = 1;           // the answer is no: a point fails, a reload is refused
inline constexpr int exit_usage = 2;        // the command line or the configuration is wrong
inline constexpr int exit_unreachable = 3;  // there is no instance at that address

enum class verb : std::uint8_t {
  run,       // serve until told to stop
  validate,  // read a configuration and say what is wrong
  init,      // write a first fairing.yaml
  reload,    // make the running instance read its file again
  check,     // the checklist
  explain,   // why an answer was a hit or a miss
  top,       // live counters
  bypass,    // turn a plane or rule off at once, or on again
  purge,     // drop or mark stale what is cached
  jobs,      // queues and jobs of a running instance
  advise,    // what indexes a database lacks, and which it has in vain
  schema,    // every configuration key, as JSON Schema
  version,   // which Fairing this is
  help,      // this
};

struct purge_request {
  std::vector<std::string> tags;
  std::vector<std::string> urls;
  std::vector<std::string> prefixes;
  bool all = false;
  bool soft = false;
  bool dry_run = false;
  std::string wait;  // edge: until the CDN has it too
};

struct jobs_options {
  std::string action;   // ls, show, retry, redrive, cancel, pause, resume
  std::string subject;  // a queue or the id of a job
  std::string state;
  std::string text;
  std::string after;
  std::string error;
  std::string to;
  std::string rate;
  std::size_t limit = 0;  // ls: 0: until a page has something
  bool failures = false;
};

struct options {
  verb what = verb::help;
  bool json = false;
  std::string admin;  // client verbs: URL or unix:PATH of the instance
  config::config_source source;
  purge_request purge;
  jobs_options jobs;
  std::string subject;    // explain: URL or trace id; bypass: plane or rule; help: verb
  bool strict = false;    // check
  bool off = false;       // bypass: end it
  bool once = false;      // top
  bool force = false;     // init
  std::string output;     // init: file or `-`
  bool markdown = false;  // schema, help
  advise::advise_options advise;
};

struct parsed_command {
  std::optional<options> value;
  int exit_code = exit_ok;  // without value
  std::string text;         // without value: for stdout if exit_code is 0, else for stderr
};

[[nodiscard]] parsed_command parse_command_line(const std::vector<std::string>& args,
                                                const config::environment& env);

[[nodiscard]] std::string help_text(const std::string& verb_name);  // "" is all
[[nodiscard]] std::string help_markdown();                          // docs/reference/cli.md

}  // namespace fairing::app
