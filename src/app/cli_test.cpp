#include "app/cli.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "app/cli_init.hpp"
#include "app/cli_jobs.hpp"
#include "app/cli_top.hpp"
#include "app/client.hpp"

namespace fairing::app {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

config::environment env_of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

parsed_command parse(const std::vector<std::string>& args,
                     std::map<std::string, std::string> env = {}) {
  return parse_command_line(args, env_of(std::move(env)));
}

// Answers one request with fixed bytes and keeps what was asked. On loopback, on a port the kernel
// picks.
class one_answer {
 public:
  explicit one_answer(std::string bytes) : bytes_(std::move(bytes)) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&a), size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&a), &size), 0);
    port_ = ntohs(a.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  one_answer(const one_answer&) = delete;
  one_answer& operator=(const one_answer&) = delete;
  ~one_answer() { (void)asked(); }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  const std::string& asked() {
    if (thread_.joinable()) {
      shutdown(socket_, SHUT_RDWR);  // ends an accept that nobody came for
      thread_.join();
      close(socket_);
    }
    return request_;
  }

 private:
  // Head and, as its length says, body.
  [[nodiscard]] bool whole() const {
    const auto head = request_.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const auto at = request_.find("Content-Length: ");
    return at == std::string::npos ||
           request_.size() >= head + 4 + std::stoul(request_.substr(at + 16));
  }
  void serve() {
    const int c = accept(socket_, nullptr, nullptr);
    if (c < 0) return;
    char buffer[4096];
    while (!whole()) {
      const auto n = read(c, buffer, sizeof buffer);
      if (n <= 0) break;
      request_.append(buffer, static_cast<std::size_t>(n));
    }
    (void)!write(c, bytes_.data(), bytes_.size());
    close(c);
  }

  std::string bytes_;
  std::string request_;
  int socket_ = -1;
  int port_ = 0;
  std::thread thread_;
};

std::string http_answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

answer ask(one_answer& server, std::vector<std::string> args,
           std::map<std::string, std::string> env = {}) {
  args.insert(args.end(), {"--admin", server.url()});
  env.try_emplace("FAIRING_RUNTIME_DIR", "/nonexistent");
  const auto parsed = parse(args, std::move(env));
  EXPECT_TRUE(parsed.value.has_value()) << parsed.text;
  return parsed.value ? execute(*parsed.value, false) : answer{};
}

TEST(cli, run_takes_its_flags) {
  const auto p = parse({"run", "-c", "f.yaml", "--http", "8080=http://a:1/x=y", "--http",
                        "0=unix:/b", "--set", "cache.memory=8MiB", "--admin", "off"});
  ASSERT_TRUE(p.value) << p.text;
  EXPECT_EQ(p.value->what, verb::run);
  EXPECT_EQ(p.value->source.file, "f.yaml");
  ASSERT_EQ(p.value->source.sites.size(), 2U);
  EXPECT_EQ(p.value->source.sites[0].listen, "8080");
  EXPECT_EQ(p.value->source.sites[0].url, "http://a:1/x=y");
  EXPECT_EQ(p.value->source.sets.at(0).key, "cache.memory");
  EXPECT_EQ(p.value->source.admin, "off");
  EXPECT_EQ(parse({"run"}, {{"FAIRING_CONFIG", "/e.yaml"}}).value->source.file, "/e.yaml");
}

TEST(cli, usage_errors_exit_2_and_suggest) {
  const auto text = [](const std::vector<std::string>& args) {
    const auto p = parse(args);
    EXPECT_FALSE(p.value.has_value());
    EXPECT_EQ(p.exit_code, exit_usage);
    return p.text;
  };
  EXPECT_EQ(text({"prge"}), "fairing: unknown command `prge`; did you mean `purge`?\n");
  EXPECT_EQ(text({"check", "--stict"}),
            "fairing: `check` has no flag `--stict`; did you mean `--strict`?\n");
  EXPECT_EQ(text({"check", "more"}), "fairing: `check` takes no `more`; see fairing help check\n");
  EXPECT_EQ(text({"purge"}), "fairing: purge what? give --tag, --url, --prefix or --all\n");
  EXPECT_EQ(text({"run", "--redis", "1=2"}),
            "fairing: `--redis` is not in this version of Fairing (0.1.0); remove it\n");
  for (const auto* bad : {"6432", "=postgres://h", "6432=", "postgres://u:hunter2@h/d?a=b"}) {
    EXPECT_THAT(text({"run", "--sql", bad}), HasSubstr("write LISTEN=URL"));
    EXPECT_THAT(text({"run", "--sql", bad}), Not(HasSubstr("hunter2")));
  }
  EXPECT_EQ(text({"run", "--sql", "1=postgres://u:hunter2@h", "--sql", "2=postgres://u:hunter2@h"}),
            "fairing: --sql is given twice (1 and 2); one Fairing has one sql plane\n");
  EXPECT_THAT(text({"run", "--jobs", "9324"}), HasSubstr("write LISTEN=STORE"));
  EXPECT_THAT(text({"run", "--jobs", "1=sqlite:a", "--jobs", "2=sqlite:b"}),
              HasSubstr("--jobs is given twice (1 and 2)"));
  EXPECT_THAT(text({"jobs"}), HasSubstr("jobs what?"));
  EXPECT_THAT(text({"jobs", "list"}), HasSubstr("jobs has no `list`"));
  EXPECT_THAT(text({"jobs", "ls", "q", "--state", "bad"}), HasSubstr("say queued, scheduled"));
  EXPECT_EQ(parse({"jobs", "ls", "q", "--state", "bad"}).exit_code, exit_usage);
  EXPECT_THAT(text({"jobs", "retry"}), HasSubstr("give the id of a job"));
  EXPECT_THAT(text({"run", "--http", "8080"}), HasSubstr("write LISTEN=URL"));
  EXPECT_THAT(text({"run", "--set", "x"}), HasSubstr("write KEY=VALUE"));
  EXPECT_THAT(text({"purge", "--all", "--wait", "moon"}), HasSubstr("--wait"));
  EXPECT_THAT(text({"help", "prge"}), HasSubstr("did you mean `purge`?"));
  EXPECT_THAT(text({"--bogus"}), HasSubstr("has no flag `--bogus`"));
  EXPECT_THAT(text({}), HasSubstr("purge"));
  EXPECT_THAT(text({"explain"}), HasSubstr("explain what?"));
}

TEST(cli, help_exits_0) {
  EXPECT_EQ(parse({"--help"}).exit_code, exit_ok);
  EXPECT_THAT(parse({"purge", "--help"}).text, HasSubstr("--prefix"));
  EXPECT_EQ(parse({"--version"}).value->what, verb::version);
}

TEST(cli, reference_is_what_the_code_prints) {
  std::ifstream in("docs/reference/cli.md");
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), help_markdown()) << "run: fairing help --markdown > docs/reference/cli.md";
}

TEST(cli, nobody_there_is_exit_3) {
  const auto p = parse({"check", "--admin", "unix:/nonexistent/fairing.sock"});
  const auto a = execute(*p.value, false);
  EXPECT_EQ(a.code, exit_unreachable);
  EXPECT_THAT(a.err, HasSubstr("no instance at unix:/nonexistent/fairing.sock"));
}

TEST(cli, an_instance_is_named_as_listeners_are) {
  const config::environment none = [](const std::string&) { return std::nullopt; };
  EXPECT_EQ(find_instance("9902/", none).url, "http://127.0.0.1:9902");
  EXPECT_EQ(find_instance("shop.internal:9902", none).url, "http://shop.internal:9902");
  EXPECT_EQ(find_instance("[::1]:9902", none).url, "http://[::1]:9902");
  EXPECT_EQ(find_instance("http://127.0.0.1:9902/", none).url, "http://127.0.0.1:9902");
  EXPECT_EQ(find_instance("unix:/run/a", none).url, "unix:/run/a");
}

TEST(cli, purge_sends_what_was_asked_with_the_token) {
  one_answer server(http_answer(200, R"({"seq":7,"tiers":{"l1":"done"}})"));
  const auto a =
      ask(server, {"purge", "--tag", "a", "--tag", "b", "--prefix", "http://h/x", "--soft"},
          {{"FAIRING_TOKEN", "s3cret"}});
  EXPECT_EQ(a.code, exit_ok) << a.err;
  EXPECT_EQ(a.out, "purged  seq 7  l1: done\n");
  const auto& asked = server.asked();
  EXPECT_THAT(asked, HasSubstr("POST /v1/purge HTTP/1.1"));
  EXPECT_THAT(asked, HasSubstr("Authorization: Bearer s3cret\r\n"));
  const auto body = json::parse(asked.substr(asked.find("\r\n\r\n") + 4));
  EXPECT_EQ(body.at("tags"), json({"a", "b"}));
  EXPECT_EQ(body.at("prefixes"), json({"http://h/x"}));
  EXPECT_EQ(body.at("soft"), true);
  EXPECT_EQ(body.at("all"), false);
}

TEST(cli, the_token_file_is_read_and_401_says_where_it_was_looked_for) {
  const auto dir = testing::TempDir();
  std::ofstream(dir + "token") << "from-file\n";
  one_answer server(http_answer(401, R"({"title":"token needed"})"));
  const auto a = ask(server, {"reload"}, {{"FAIRING_RUNTIME_DIR", dir}});
  EXPECT_EQ(a.code, exit_no);
  EXPECT_THAT(a.err, HasSubstr("set FAIRING_RUNTIME_DIR"));
  EXPECT_THAT(a.err, HasSubstr(dir));
  EXPECT_THAT(server.asked(), HasSubstr("Authorization: Bearer from-file\r\n"));
}

TEST(cli, a_refused_reload_tells_the_detail) {
  one_answer server(
      http_answer(400, R"({"type":"x","detail":"fairing.yaml:3:1: unknown key `x`"})"));
  const auto a = ask(server, {"reload"});
  EXPECT_EQ(a.code, exit_no);
  EXPECT_EQ(a.err, "fairing: fairing.yaml:3:1: unknown key `x`\n");
}

TEST(cli, reload_lists_changes) {
  one_answer server(http_answer(200, R"({"reloaded":true,"changes":["http.0.timeouts.total"]})"));
  EXPECT_EQ(ask(server, {"reload"}).out, "reloaded: 1 changed\n  http.0.timeouts.total\n");
}

TEST(cli, explain_by_url_and_by_trace) {
  one_answer missing(http_answer(404, "{}"));
  const auto none = ask(missing, {"explain", "/a b?c=d"});
  EXPECT_EQ(none.code, exit_no);
  EXPECT_THAT(missing.asked(), HasSubstr("GET /v1/explain?url=%2Fa%20b%3Fc%3Dd HTTP/1.1"));
  one_answer server(http_answer(
      200,
      R"({"items":[{"time":"T","trace_id":"ab","method":"GET","url":"/a","status":200,"cache":{"result":"miss"},"detail":"cookie"}]})"));
  const auto a = ask(server, {"explain", "0123456789abcdef0123456789ABCDEF"});
  EXPECT_EQ(a.out, "T GET /a 200\n  trace   ab\n  cache   result=miss\n  detail  cookie\n");
  EXPECT_THAT(server.asked(), HasSubstr("GET /v1/explain?trace=0123456789abcdef0123456789ABCDEF "));
}

TEST(cli, bypass_lists_sets_and_ends) {
  one_answer list(http_answer(200, R"({"bypassed":[]})"));
  EXPECT_EQ(ask(list, {"bypass"}).out, "nothing is bypassed\n");
  EXPECT_THAT(list.asked(), HasSubstr("GET /v1/bypass "));
  one_answer set(http_answer(200, R"({"bypassed":["http"]})"));
  EXPECT_EQ(ask(set, {"bypass", "http", "--off"}).out, "bypassed: http\n");
  EXPECT_THAT(set.asked(), HasSubstr(R"({"off":true,"what":"http"})"));
}

TEST(cli, what_is_not_json_is_said) {
  one_answer server(http_answer(200, "<html>"));
  const auto a = ask(server, {"check"});
  EXPECT_EQ(a.code, exit_no);
  EXPECT_THAT(a.err, HasSubstr("is it a Fairing?"));
}

const json points = json::parse(R"({"points":[
  {"number":3,"title":"lists are paginated","grade":"warn","evidence":["GET /a: 500 elements"],"fix":["add LIMIT"]},
  {"number":7,"title":"compression enabled","grade":"pass","evidence":[],"fix":[]},
  {"number":8,"title":"timeouts","grade":"not_seen"}]})");

TEST(cli_render, checklist) {
  const auto a = render_checklist(points, false, false);
  EXPECT_EQ(a.code, exit_ok);
  EXPECT_EQ(
      a.out,
      " 3  warn      lists are paginated\n      GET /a: 500 elements\n        fix: add LIMIT\n"
      " 7  pass      compression enabled\n 8  not seen  timeouts\n\n1 pass, 1 warn, 0 fail, 1 not "
      "seen\n");
  EXPECT_EQ(render_checklist(points, true, false).code, exit_no);
  EXPECT_THAT(render_checklist(points, false, true).out, HasSubstr("\x1b[33mwarn"));
  auto failing = points;
  failing["points"][0]["grade"] = "fail";
  EXPECT_EQ(checklist_code(failing, false), exit_no);
}

TEST(cli_render, odd_shapes_and_control_characters_do_no_harm) {
  EXPECT_EQ(render_checklist(json::parse(R"({"points":3})"), false, false).code, exit_ok);
  EXPECT_EQ(render_explain(json::parse("[]")).out, "");
  EXPECT_EQ(render_reload(json::parse("7")).out, "reloaded: nothing changed\n");
  EXPECT_EQ(printable("a\x1b[2Jb\n\xc2\x9b"), "a\\x1b[2Jb\\x0a?");
}

TEST(cli_top, counts_and_rates) {
  const auto before = parse_metrics(
      "http_server_request_duration_seconds_count{http_response_status_class=\"200\"} 100\n");
  const auto now = parse_metrics(
      "# HELP x "
      "y\nhttp_server_request_duration_seconds_count{http_response_status_class=\"200\",route="
      "\"a\\\"}b\"} 300\n"
      "fairing_cache_requests_total{result=\"hit\"} "
      "75\nfairing_cache_requests_total{result=\"miss\"} 25\nbad{ 1\nnan NaN\n");
  EXPECT_EQ(now.size(), 3U);
  EXPECT_EQ(sum_by(now, "fairing_cache_requests_total", "").at(""), 100);
  const auto text = frame(now, {}, &before, 2.0);
  EXPECT_THAT(text, HasSubstr("100/s"));
  EXPECT_THAT(text, HasSubstr("75.0%"));
  EXPECT_THAT(frame(now, {}, nullptr, 0), Not(HasSubstr("/s")));
  EXPECT_EQ(json::parse(frame_json(now, {})).at("fairing_cache_requests_total").at("hit"), 75);
  EXPECT_EQ(frame({}, {}, nullptr, 0), "no counters yet\n");
}

// Page by page, as an instance answers that looks for a quarter of a second at a time.
TEST(cli_jobs, a_search_goes_on_until_something_is_found) {
  const std::vector<std::string> pages = {
      R"({"items":[],"next":"1"})", R"({"items":[{"id":"a"}],"next":"2"})",
      R"({"items":[],"next":"3"})", R"({"items":[{"id":"b"},{"id":"c"}],"next":"4"})",
      R"({"items":[{"id":"d"}],"next":null})"};
  std::vector<std::size_t> asked;
  const auto search = [&](jobs_options o) {
    asked.clear();
    const auto r = follow_pages(o, [&](const std::string& after, std::size_t most) {
      asked.push_back(most);
      return reply{.reached = true,
                   .status = 200,
                   .body = pages.at(after.empty() ? 0 : std::stoul(after)),
                   .problem = {}};
    });
    return r.body;
  };
  EXPECT_EQ(search({}), R"({"items":[{"id":"a"}],"next":"2"})");
  EXPECT_EQ(search({.after = "2"}), R"({"items":[{"id":"b"},{"id":"c"}],"next":"4"})");
  EXPECT_EQ(search({.limit = 3}), R"({"items":[{"id":"a"},{"id":"b"},{"id":"c"}],"next":"4"})");
  EXPECT_EQ(asked, (std::vector<std::size_t>{3, 3, 2, 2}));
  EXPECT_EQ(search({.after = "3", .limit = 9}),
            R"({"items":[{"id":"b"},{"id":"c"},{"id":"d"}],"next":null})");
  const auto failed = follow_pages({}, [](const auto&, auto) {
    return reply{.reached = true, .status = 503, .body = "down", .problem = {}};
  });
  EXPECT_EQ(failed.status, 503);
}

TEST(cli_top, an_instance_with_jobs_alone_shows_its_queues_the_fullest_first) {
  const auto now = parse_metrics(
      "fairing_jobs_store_up 1\nfairing_ratelimit_total{decision=\"allowed\"} 0\n"
      "fairing_purge_total{source=\"api\"} 0\nfairing_cache_bytes 19584\n");
  EXPECT_TRUE(has_jobs(now));
  std::string queues = R"({"items":[)";
  for (int i = 0; i < 12; ++i)
    queues += R"({"name":"q)" + std::to_string(i) + R"(","depth":{"queued":)" + std::to_string(i) +
              R"(,"dead":7},"oldest_age_ms":2500,"arrivals_per_second":1.5},)";
  queues.back() = ']';
  const auto text = frame(now, queues + "}", nullptr, 0);
  EXPECT_THAT(text, testing::StartsWith("QUEUE "));
  EXPECT_THAT(text, HasSubstr("\nq11                             11"));
  EXPECT_THAT(text, HasSubstr("2.5s     1.5/s     0.0/s\nq10 "));
  EXPECT_THAT(text, Not(HasSubstr("q1 ")));
  EXPECT_THAT(text, HasSubstr("and 2 more: fairing jobs ls\n"));
  EXPECT_THAT(frame(now, R"({"detail":"another instance has it"})", nullptr, 0),
              HasSubstr("jobs: another instance has it"));
  EXPECT_EQ(json::parse(frame_json(now, queues + "}")).at("queues").size(), 12U);
}

TEST(cli_init, the_first_file_is_right_and_not_overwritten) {
  const auto env = env_of({{"PORT", "8080"}, {"DATABASE_URL", "postgres://u:hunter2@h/d"}});
  const auto text = first_file(env);
  EXPECT_THAT(text, HasSubstr("upstream: http://127.0.0.1:8080"));
  EXPECT_THAT(text, HasSubstr("\n  upstream: ${DATABASE_URL}"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  config::config_source source;
  source.env = env;
  EXPECT_TRUE(source.load_text(text).ok());
  const auto path = testing::TempDir() + "first_fairing.yaml";
  (void)unlink(path.c_str());
  EXPECT_EQ(write_first_file(path, false, env).code, exit_ok);
  const auto again = write_first_file(path, false, env);
  EXPECT_EQ(again.code, exit_no);
  EXPECT_THAT(again.err, HasSubstr("--force"));
  EXPECT_EQ(write_first_file(path, true, env).code, exit_ok);
  EXPECT_EQ(write_first_file("-", false, env).out, text);
}

TEST(cli_init, a_database_url_that_cannot_be_pooled_is_a_comment_that_says_why) {
  for (const auto& [url, why] : {std::pair{"mysql://u:hunter2@h/d", "is a mysql URL"},
                                 {"postgres://h/d", "names no user and password"},
                                 {"postgres://u:hunter2@a,b/d", "names several hosts"},
                                 {"db:5432", "holds `db:5432`, which has no scheme"}}) {
    const auto env = env_of({{"DATABASE_URL", url}});
    const auto text = first_file(env);
    EXPECT_THAT(text, HasSubstr("# DATABASE_URL " + std::string(why)));
    EXPECT_THAT(text, HasSubstr("\n# sql:\n"));
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    config::config_source source;
    source.env = env;
    EXPECT_TRUE(source.load_text(text).ok());
  }
}

TEST(cli, validate_prints_every_error_and_exits_2) {
  const auto path = testing::TempDir() + "bad_fairing.yaml";
  std::ofstream(path) << "http:\n  cahce: 1\nredis: {}\n";
  const auto a = execute(*parse({"validate", "-c", path}).value, false);
  EXPECT_EQ(a.code, exit_usage);
  EXPECT_THAT(a.err, HasSubstr(path + ":2:3: unknown key `http.cahce`; did you mean `cache`?\n"));
  EXPECT_THAT(
      a.err,
      HasSubstr(path + ":3:1: `redis` is not in this version of Fairing (0.1.0); remove it\n"));
  const auto j = json::parse(execute(*parse({"validate", "-c", path, "--json"}).value, false).out);
  EXPECT_EQ(j.at("ok"), false);
  EXPECT_EQ(j.at("errors").at(0).at("line"), 2);
}

}  // namespace
}  // namespace fairing::app
