// Bytes of a client and of a server as they like: nothing is read beyond what was given, every step says what is next,
// what was taken is never more than what was shown, and an end is an end. The input is a row of pieces: a byte says whose
// they are and how long. A first byte of 254: the client's start-up asks for settings, which its first server is asked for.
#include <memory>
#include <string>
#include <vector>

#include "fuzz/support.hpp"
#include "sql/logic/relay.hpp"

using namespace fairing;
using namespace fairing::sql;

namespace {

constexpr unsigned char starting = 254;

struct hooks final : relay_hooks {
  bool keep(std::optional<pool::pin_reason>) override { return ++asked_ % 8 != 0; }
  [[nodiscard]] pin_use pins() const override { return {}; }
  void done(const statement_done&) override {}
  void leave_nothing() override {}
  unsigned asked_ = 0;
};

void clear(out_batch& b) {
  std::vector<std::string_view> parts;
  b.views(parts);
  std::size_t sum = 0;
  for (const auto p : parts)
    for (const char c : p) sum += static_cast<unsigned char>(c);  // each byte can be read
  fuzz::require(sum < ~std::size_t{0}, "parts are there");
  b.clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text_of(data, size);
  pool_shared shared(1);
  shared.limits = {.statement_bytes = 1 << 16, .pipeline = 64, .notice_bytes = 1 << 12};
  shared.user = "app";
  hooks h;
  server_session servers[2] = {server_session(shared.settings.none(), 2),
                               server_session(shared.settings.none(), 2)};
  std::string from_client, from_server;
  std::size_t leases = 0;
  bool attached = false;
  const bool starts = !input.empty() && static_cast<unsigned char>(input[0]) == starting;
  const auto wanted =
      shared.settings.intern({{{"app.tenant", "a"}, {"role", "r"}, {"timezone", "UTC"}}});
  auto r = std::make_unique<relay>(shared, h, 1, starts ? wanted : settings_ptr());
  if (starts) {
    input.remove_prefix(1);
    attached = true;
    r->attach(servers[leases++]);
    r->learn_start();
    clear(r->to_server);
  }
  while (input.size() > 1) {
    const auto head = static_cast<unsigned char>(input[0]);
    const auto n = std::min<std::size_t>(head / 2 + 1, input.size() - 1);
    const auto piece = input.substr(1, n);
    input.remove_prefix(1 + n);
    const bool client_turn = head % 2 == 0;
    if (client_turn) {
      from_client += piece;
    } else if (attached) {
      from_server += piece;
      const auto p = r->from_server(from_server, {});
      fuzz::require(p.taken <= from_server.size(), "no more is taken than was shown");
      fuzz::require(!(p.released && p.broken), "what is broken is not given back");
      clear(r->to_client);
      clear(r->to_server);
      if (p.broken) break;
      from_server.erase(0, p.taken);
      if (p.released) {
        fuzz::require(from_server.empty(), "nothing unread is given back");
        r->detach();
        attached = false;
      }
    }
    while (r->start_learned()) {
      std::size_t taken = 0;
      const auto next = r->from_client(from_client, taken, {});
      fuzz::require(taken <= from_client.size(), "no more is taken than was shown");
      clear(r->to_server);
      clear(r->to_client);
      from_client.erase(0, taken);
      if (next == step::close) return 0;
      if (next != step::lease) break;
      fuzz::require(!attached, "one server is enough");
      attached = true;
      servers[leases % 2].status = pgwire::transaction_status::idle;
      r->attach(servers[leases++ % 2]);
      from_server.clear();
    }
  }
  r.reset();
  return 0;
}
