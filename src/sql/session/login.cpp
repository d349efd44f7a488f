#include "sql/session/login.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "net/ip_set.hpp"
#include "net/listener.hpp"
#include "sql/session/client.hpp"
#include "sql/session/console.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

using pgwire::sqlstate;
using pgwire::startup_kind;
using pgwire::startup_status;

namespace {
constexpr int most_requests = 4;  // for encryption, before the start-up
// Clients too many, of a core, that are told so in PostgreSQL's way; others are told at once, and libpq may not show it.
constexpr std::uint32_t most_refusing = 32;
constexpr milliseconds refusal_time{2000};
constexpr std::string_view too_many_clients = "too many clients are connected to Fairing";

std::string lower(std::string_view name) {
  std::string t(name);
  for (auto& c : t)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return t;
}

bool is_no(std::string_view v) {
  return iequals(v, "false") || iequals(v, "off") || iequals(v, "no") || v == "0";
}
}  // namespace

login::login(core_part& part, net::socket s, pool_mode mode, bool full)
    : part_(part),
      runtime_(part.runtime),
      stream_(part.core, std::move(s)),
      full_(full),
      place_(part.plane.guard) {
  const auto peer = net::ip_address::of_peer(stream_.native());
  address_ = peer.text();
  address_hash_ =
      hash64({reinterpret_cast<const char*>(peer.bytes.data()), peer.bytes.size()}, process_seed());
  local_ = peer == net::ip_address::loopback() || address_.starts_with("127.");
  key_.mode = mode;
  set_deadline(now().mono + (full_ ? std::min(refusal_time, runtime_->config.limits.login)
                                   : runtime_->config.limits.login));
  if (full_) ++part_.refusing;
  part_.core.watch(*this);
  part_.logins.push_back(this);
}

login::~login() {
  std::erase(part_.logins, this);
  if (full_) --part_.refusing;
  if (!handed_over_ && !full_) part_.plane.connections.fetch_sub(1, std::memory_order_relaxed);
}

void login::start(core_part& part, net::socket s, pool_mode mode) {
  const bool full = !part.plane.admit();
  if (full && part.refusing >= most_refusing) {
    part.plane.count.logins_refused.add();
    std::string text;
    pgwire::append_error(text, {.code = sqlstate::too_many_connections,
                                .severity = "FATAL",
                                .message = too_many_clients,
                                .hint = "raise sql.limits.connections"});
    return net::send_refusal(s.native(), text);
  }
  net::spawn([](login* l) -> net::task<void> {
    const std::unique_ptr<login> owned(l);
    co_await owned->run();
  }(new login(part, std::move(s), mode, full)));
}

void login::on_deadline() { stream_.close(); }
void login::begin_drain() { stream_.close(); }

net::task<void> login::run() {
  const bool known = co_await start_up();
  if (!known) co_return;
  if (full_) {
    co_await refuse(sqlstate::too_many_connections, too_many_clients,
                    "raise sql.limits.connections");
    co_return;
  }
  const bool proved = co_await prove();
  if (!proved) co_return;
  place_.leave();
  if (!relayed_) {
    part_.plane.count.logins.add();
    part_.plane.guard.succeeded(address_hash_);
  }
  if (console_) {
    clear_deadline();
    const auto& owner = runtime_->config.upstream.user;
    const bool rules = !owner.empty() && key_.user == owner;
    co_await run_console(part_, stream_, std::move(out_), std::move(in_), rules);
    co_return;
  }
  const auto pool = relayed_ ? part_.plane.relay_pool(part_) : part_.plane.pool_for(key_);
  if (!pool) {
    co_await refuse(sqlstate::too_many_connections,
                    "there are too many pools: one for each user, database and set of start-up "
                    "parameters that cannot be SET",
                    "let clients use the same start-up parameters");
    co_return;
  }
  client_seed seed;
  seed.tls = stream_.take_tls();
  seed.socket = stream_.detach();
  seed.bytes = std::move(in_);
  seed.greeting = std::move(out_);
  if (relayed_) {
    if (application_name_) key_.parameters.emplace_back("application_name", *application_name_);
    seed.relayed = std::make_unique<relayed_login>(
        relayed_login{{key_.user, key_.database, std::move(key_.parameters), nullptr},
                      address_hash_,
                      local_,
                      deadline()});
  }
  seed.application_name = std::move(application_name_);
  seed.settings = std::move(settings_);
  seed.address = std::move(address_);
  seed.pool = pool;
  handed_over_ = true;
  pool->home.core.post([s = std::move(seed)]() mutable { client::start(std::move(s)); });
}

net::task<bool> login::read_more() {
  const auto r = co_await stream_.read_some(part_.scratch);
  if (!r.ok() || r.bytes == 0) co_return false;
  in_.append(part_.scratch.data(), r.bytes);
  co_return true;
}

net::task<bool> login::send(std::string_view text) {
  const auto ec = co_await stream_.write(text);
  co_return !ec;
}

net::task<bool> login::refuse(sqlstate code, std::string_view message, std::string_view hint) {
  part_.plane.count.logins_refused.add();
  std::string text;
  pgwire::append_error(text, {.code = code, .severity = "FATAL", .message = message, .hint = hint});
  (void)co_await send(text);
  stream_.shutdown_send();
  co_return false;
}

net::task<bool> login::start_up() {
  for (int requests = 0;;) {
    pgwire::startup_packet packet;
    const auto status = pgwire::parse_startup(in_, packet);
    if (status == startup_status::need_more) {
      const bool more = co_await read_more();
      if (!more) co_return false;
      continue;
    }
    if (status == startup_status::error) {
      const bool never =
          co_await refuse(pgwire::sqlstate_for(packet.error), pgwire::sentence(packet.error));
      co_return never;
    }
    switch (packet.kind) {
      case startup_kind::cancel_request:
        cancel(packet.key);
        co_return false;
      case startup_kind::ssl_request:
      case startup_kind::gssenc_request: {
        const bool ok = ++requests <= most_requests && in_.size() == packet.size;
        if (!ok) co_return false;  // bytes stuffed in before TLS begins (CVE-2021-23214)
        const bool on = co_await encrypt(packet);
        if (!on) co_return false;
        break;
      }
      case startup_kind::startup: {
        const bool ok = co_await take_parameters(packet);
        co_return ok;
      }
    }
  }
}

net::task<bool> login::encrypt(const pgwire::startup_packet& packet) {
  const bool tls =
      packet.kind == startup_kind::ssl_request && runtime_->client_tls && !stream_.is_tls();
  in_.clear();
  const bool sent = co_await send(tls ? "S" : "N");
  if (!sent || !tls) co_return sent;
  stream_.set_tls(std::make_unique<net::tls_channel>(runtime_->client_tls, ""));
  const auto ec = co_await stream_.handshake();
  co_return !ec;
}

net::task<bool> login::take_parameters(const pgwire::startup_packet& packet) {
  if (const auto r = packet.find("replication"); !r.null && !is_no(r.bytes)) {
    const bool never = co_await refuse(
        sqlstate::feature_not_supported, "replication connections do not go through Fairing",
        "connect to PostgreSQL itself for replication and pg_basebackup");
    co_return never;
  }
  key_.user = packet.user;
  key_.database = packet.database;
  const auto& own = runtime_->config.upstream.database;
  if (packet.find("database").null && !own.empty()) key_.database = own;
  for (const auto& p : packet.parameters) {
    auto name = lower(p.name);
    if (name == "user" || name == "database" || name == "replication" || name.starts_with("_pq_."))
      continue;
    if (name == "application_name")
      application_name_ = p.value;
    else
      key_.parameters.emplace_back(std::move(name), p.value);
  }
  if (key_.mode == pool_mode::transaction) {
    auto parts = part_start_up(key_.parameters);
    settings_ = std::move(parts.settings);
    key_.parameters = std::move(parts.fixed);
    // By way of `options`; as a parameter of its own it is over that.
    const auto name =
        std::ranges::find(settings_, "application_name", &parameter_list::value_type::first);
    if (name != settings_.end()) {
      if (!application_name_) application_name_ = std::move(name->second);
      settings_.erase(name);
    }
  }
  std::ranges::sort(key_.parameters);
  console_ = key_.database == "fairing" && local_;
  if (packet.needs_negotiation()) pgwire::append_negotiate_protocol_version(out_, packet);
  in_.erase(0, packet.size);
  co_return true;
}

// Whoever asks is told nothing: as with PostgreSQL, the connection is closed.
void login::cancel(pgwire::backend_key key) {
  const auto pool = part_.plane.keys.find(key);
  (pool ? part_.plane.count.cancels : part_.plane.count.cancels_unknown).add();
  if (!pool) return;
  pool->home.core.post([pool, pid = key.pid] {
    if (auto* c = pool->find(pid)) c->cancel();
  });
}

}  // namespace fairing::sql
