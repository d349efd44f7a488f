#include "bench/jobs/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fairing::bench {
namespace {

constexpr std::size_t stamp_digits = 20;
constexpr std::string_view lease_member = R"("lease":")";
constexpr std::string_view payload_member = R"("payload":")";

std::string post(std::string_view authority, std::string_view path, std::string_view body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "\r\n{}",
      path, authority, body.size(), body);
}

// The text from behind `name` to the next quotation mark; `from` moves behind it. False: there is none.
bool member(std::string_view body, std::string_view name, std::size_t& from,
            std::string_view& out) {
  const auto at = body.find(name, from);
  if (at == body.npos) return false;
  const auto begin = at + name.size();
  const auto end = body.find('"', begin);
  if (end == body.npos) return false;
  out = body.substr(begin, end - begin);
  from = end + 1;
  return true;
}

}  // namespace

put_source::put_source(const put_plan& plan) {
  std::string body;
  if (plan.batch > 1) body += R"({"jobs":[)";
  const auto filler = std::max(plan.payload, stamp_digits) - stamp_digits;
  for (std::size_t i = 0; i < plan.batch; ++i) {
    if (i > 0) body += ',';
    body += R"({"payload":")";
    stamps_.push_back(body.size());
    body.append(stamp_digits, '0').append(filler, 'x');
    body += '"';
    if (plan.delay_s != 0) body += fmt::format(R"(,"delay":{})", plan.delay_s);
    body += '}';
  }
  if (plan.batch > 1) body += "]}";
  request_ = post(plan.authority, "/v1/queues/" + plan.queue + "/jobs", body);
  const auto head = request_.size() - body.size();
  for (auto& at : stamps_) at += head;
}

void put_source::append_next(std::string& out, std::uint64_t stamp) {
  for (const auto at : stamps_) {
    auto left = stamp;
    for (auto i = stamp_digits; i-- > 0; left /= 10)
      request_[at + i] = static_cast<char>('0' + left % 10);
  }
  out += request_;
}

std::string lease_request(std::string_view authority, std::string_view queue, std::size_t most,
                          unsigned wait_s) {
  return post(authority, fmt::format("/v1/queues/{}/lease", queue),
              fmt::format(R"({{"max":{},"wait":{}}})", most, wait_s));
}

bool read_deliveries(std::string_view body, std::vector<delivery>& out) {
  out.clear();
  if (!body.starts_with(R"({"jobs":[)")) return false;
  std::size_t at = 0;
  delivery d;
  while (member(body, lease_member, at, d.token)) {
    std::string_view payload;
    if (!member(body, payload_member, at, payload) || payload.size() < stamp_digits) return false;
    const auto digits = payload.substr(0, stamp_digits);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), d.stamp);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return false;
    out.push_back(d);
  }
  return true;
}

void append_ack(std::string& out, std::string_view authority, std::string_view token) {
  out += "POST /v1/leases/";
  out += token;
  out += "/ack HTTP/1.1\r\nHost: ";
  out += authority;
  out += "\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace fairing::bench
