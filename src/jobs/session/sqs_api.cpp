#include "jobs/session/sqs_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "codec/sqs/encode.hpp"

namespace fairing::jobs {

namespace sqs = codec::sqs;

namespace {

std::string_view field_of(const http1::request_head& head, std::string_view name) noexcept {
  const auto* h = head.find(name);
  return h != nullptr ? h->value : std::string_view{};
}

sqs::http_request request_of(const http1::request_head& head, std::string_view body) noexcept {
  return {.method = head.method_text,
          .path = head.path,
          .query = head.query,
          .target = field_of(head, "x-amz-target"),
          .content_type = head.get(http1::field::content_type),
          .query_mode = iequals(field_of(head, "x-amzn-query-mode"), "true"),
          .body = body};
}

response written(sqs::answer a, const std::string& request_id) {
  response r;
  r.status = a.status;
  r.content_type = a.content_type;
  r.body = std::move(a.body);
  r.fields.emplace_back("x-amzn-RequestId", request_id);
  if (!a.query_error.empty()) r.fields.emplace_back("x-amzn-query-error", std::move(a.query_error));
  return r;
}

// As far as it is known before the parameters are read; enough to say an error.
sqs::wire wire_of(const sqs::http_request& h) noexcept {
  return {.how = h.target.empty() ? sqs::protocol::query : sqs::protocol::json,
          .query_mode = h.query_mode};
}

error too_busy() {
  return {sqs::errc::throttled, "Too many requests wait for the job store: try again later."};
}

// Reads, changes and writes a queue's attributes, or belongs to the move tasks.
bool goes_one_by_one(const sqs::action& a) noexcept {
  using enum sqs::action_kind;
  switch (sqs::kind_of(a)) {
    case create_queue:
    case delete_queue:
    case set_queue_attributes:
    case tag_queue:
    case untag_queue:
    case start_message_move_task:
    case list_message_move_tasks:
    case cancel_message_move_task:
      return true;
    default:
      return false;
  }
}

// The commands themselves; what finish() looks at, their kinds, stays in the plan.
std::vector<command> taken_from(sqs_plan& p) {
  std::vector<command> out;
  out.reserve(p.commands.size());
  for (auto& c : p.commands) out.push_back(std::move(c));
  return out;
}

std::vector<lease_token> leases_in(const std::vector<result<reply>>& replies) {
  std::vector<lease_token> out;
  for (const auto& r : replies)
    if (const auto* got = r ? std::get_if<leased>(&*r) : nullptr; got != nullptr)
      for (const auto& j : got->jobs) out.push_back(j.token);
  return out;
}

}  // namespace

sqs_context sqs_api::exchange::context(plane_time now) const {
  return {.base_url = base_url,
          .account = as->account,
          .region = as->region,
          .sender = sender,
          .now = now};
}

void sqs_api::configure(const jobs_config& c) {
  std::vector<sqs::access_key> keys;
  keys.reserve(c.sqs.access_keys.size());
  for (const auto& k : c.sqs.access_keys) keys.push_back({k.id, k.secret});
  sqs::decode_options limits;
  limits.most_delay_s = static_cast<std::int32_t>(c.sqs.max_delay.count() / 1000);
  const bool is_signed = !keys.empty();
  auto next = std::make_shared<const settings>(settings{.is_signed = is_signed,
                                                        .keys = sqs::verifier(std::move(keys)),
                                                        .url = c.sqs.url,
                                                        .region = c.sqs.region,
                                                        .account = c.sqs.account,
                                                        .limits = limits});
  const std::lock_guard lock(mutex_);
  as_.swap(next);
}

std::shared_ptr<const sqs_api::settings> sqs_api::now_as() const {
  const std::lock_guard lock(mutex_);
  return as_;
}

bool sqs_api::claims(const http1::request_head& head) noexcept {
  return !head.path.starts_with("/v1/") && sqs::looks_like_sqs(request_of(head, {}));
}

bool sqs_api::checks_signatures() const { return now_as()->is_signed; }

std::string sqs_api::next_request_id() noexcept {
  const auto n = requests_.fetch_add(1, std::memory_order_relaxed);
  const auto a = mix64(seed_ ^ n);
  const auto b = mix64(a + n);
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", a >> 32, (a >> 16) & 0xFFFF,
                     a & 0xFFF, (b >> 48) & 0xFFF, b & 0xFFFF'FFFF'FFFF);
}

response sqs_api::say(const sqs::wire& how, const result<sqs::reply>& r, const std::string& id) {
  auto a = r ? sqs::encode(how, *r, id) : sqs::encode_error(how, r.error(), id);
  probe_.count(how.kind, a.status);
  return written(std::move(a), id);
}

response sqs_api::refuse(const exchange& e, const error& why) {
  return say(e.how, std::unexpected(why), e.request_id);
}

std::optional<response> sqs_api::admit(const http1::request_head& head, bool trusted) {
  const auto as = now_as();
  const auto h = request_of(head, {});
  std::optional<error> why;
  if (!as->is_signed && !trusted)
    why = {
        sqs::errc::missing_authentication,
        "This listener has a token: send it as Authorization: Bearer, or let jobs.sqs.access_keys "
        "say who may sign."};
  else if (head.body == http1::body_kind::length &&
           head.content_length > as->limits.most_body_bytes)
    why = {sqs::errc::invalid_parameter_value,
           fmt::format("The request is longer than {} bytes.", as->limits.most_body_bytes)};
  if (!why) return std::nullopt;
  return say(wire_of(h), std::unexpected(*why), next_request_id());
}

result<void> sqs_api::read(exchange& e, const call& c) const {
  const auto h = request_of(c.head, c.body);
  e.how = wire_of(h);
  if (e.as->is_signed) {
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    headers.reserve(c.head.headers.size());
    for (const auto& one : c.head.headers) headers.emplace_back(one.name, one.value);
    const auto who = e.as->keys.verify(
        {.method = h.method, .path = h.path, .query = h.query, .headers = headers, .body = h.body},
        writer_.time().wall_ms / 1000);
    if (!who) return std::unexpected(who.error());
    e.sender = *who;
  }
  auto d = sqs::decode(h, e.as->limits);
  e.how = d.how;
  if (!d.what) return std::unexpected(d.what.error());
  e.plan.asked = *std::move(d.what);
  return {};
}

void sqs_api::make_plan(exchange& e) {
  const auto book = books_.get();
  e.plan = plan(std::move(e.plan.asked), *book, desk_.moves(), e.context(writer_.time()));
}

std::optional<response> sqs_api::handle(call& c, later done) {
  const auto e = std::make_shared<exchange>();
  e->as = now_as();
  e->core = c.core;
  e->request_id = next_request_id();
  e->base_url = e->as->url.empty() ? "http://" + std::string(c.head.authority) : e->as->url;
  e->done = std::move(done);
  if (auto good = read(*e, c); !good) return refuse(*e, good.error());
  if (goes_one_by_one(e->plan.asked)) return ask_desk(e);
  if (std::holds_alternative<sqs::get_queue_attributes>(e->plan.asked)) return look(e);
  make_plan(*e);
  if (e->plan.answer) return say(e->how, *e->plan.answer, e->request_id);
  auto* waits = std::get_if<lease>(&e->plan.commands.front());
  if (waits != nullptr && waits->wait_until_steady_ms != 0)
    waits->waiter = c.waiter = writer_.next_waiter();
  return ask_writer(e);
}

std::optional<response> sqs_api::ask_writer(const exchange_ptr& e) {
  const bool taken =
      writer_.submit(e->core, taken_from(e->plan), [this, e](std::vector<result<reply>> replies) {
        const auto leases = leases_in(replies);
        const auto said = finish(e->plan, std::move(replies), e->context(writer_.time()));
        if (!e->done(say(e->how, said, e->request_id))) writer_.give_back(leases);
      });
  if (taken) return std::nullopt;
  return refuse(*e, too_busy());
}

// Counts as of now, not as of up to 200 ms ago: who sends and then counts wants to see it.
std::optional<response> sqs_api::look(const exchange_ptr& e) {
  const bool taken = writer_.submit(e->core, {}, [this, e](const std::vector<result<reply>>& r) {
    if (!r.empty() && !r.front()) {
      (void)e->done(refuse(*e, sqs_error(r.front().error())));
      return;
    }
    make_plan(*e);
    if (const auto& said = e->plan.answer)  // always: what is read needs no command
      (void)e->done(say(e->how, *said, e->request_id));
  });
  if (taken) return std::nullopt;
  return refuse(*e, too_busy());
}

std::optional<response> sqs_api::ask_desk(const exchange_ptr& e) {
  const bool taken = desk_.submit([this, e] {
    make_plan(*e);
    auto said = e->plan.answer
                    ? *e->plan.answer
                    : finish(e->plan, desk_.ask(taken_from(e->plan)), e->context(writer_.time()));
    e->core->post([e, r = say(e->how, said, e->request_id)] { (void)e->done(r); });
  });
  if (taken) return std::nullopt;
  return refuse(*e, too_busy());
}

}  // namespace fairing::jobs
