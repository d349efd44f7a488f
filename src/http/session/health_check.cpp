#include "http/session/health_check.hpp"

#include "codec/http1/parser.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t read_block = 4096;

net::task<bool> probe(core_state& state, std::shared_ptr<const site_runtime> site,
                      upstream_endpoint& e) {
  const auto deadline = now().mono + site->config.health.timeout;
  const auto links = state.links_of(*site);
  auto opened = co_await links->open(e, deadline);
  if (!opened.link) co_return false;
  auto& link = *opened.link;
  link.set_deadline(deadline);
  std::string request = "GET " + e.config.base_path + site->config.health.path +
                        " HTTP/1.1\r\nHost: " + e.host_field +
                        "\r\nUser-Agent: fairing-health\r\nConnection: close\r\n\r\n";
  auto ec = co_await link.stream->write(request);
  if (ec) co_return false;
  http1::head_parser parser;
  http1::response_head head;
  for (;;) {
    auto r = co_await link.stream->read_some(link.in.prepare(read_block));
    if (!r.ok() || r.bytes == 0) co_return false;
    link.in.commit(r.bytes);
    const auto status = parser.parse_response(link.in.view(), http1::method::get, head);
    if (status == http1::parse_status::error) co_return false;
    if (status == http1::parse_status::complete) co_return head.status >= 200 && head.status < 400;
  }
}

net::task<void> check(core_state& state, std::shared_ptr<const site_runtime> site,
                      upstream_endpoint& e) {
  const bool ok = co_await probe(state, site, e);
  site->upstreams->report_health(e, ok, now());
}
}  // namespace

void start_health_checks(core_state& state, const std::shared_ptr<const site_runtime>& site,
                         instant now) {
  while (auto* due = site->upstreams->health_due(now.mono)) net::spawn(check(state, site, *due));
}

}  // namespace fairing::http
