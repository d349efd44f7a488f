#include "pool/pool_types.hpp"

#include <array>

namespace fairing::pool {
namespace {

struct words {
  std::string_view name;
  std::string_view sentence;
};

constexpr std::array<words, pin_reasons> pins{{
    {"temp_table", "a temporary table lives in the session of this server"},
    {"with_hold_cursor", "a cursor WITH HOLD lives in the session of this server"},
    {"advisory_lock", "a session-level advisory lock is held; use pg_advisory_xact_lock instead"},
    {"listen", "LISTEN is active on this server"},
    {"session_setting", "a SET that cannot be replayed on another server; use SET LOCAL instead"},
    {"sequence", "currval() or lastval() needs the session that called nextval()"},
    {"large_object", "a large object is open in the session of this server"},
    {"prepared_sql", "a PREPARE that cannot be repeated on another server"},
    {"copy", "COPY is under way"},
    {"two_phase", "a transaction is prepared for two-phase commit"},
    {"unknown_state", "something ran whose effect on the session is not known"},
    {"session_mode", "session pooling: the client keeps its server until it disconnects"},
}};

constexpr std::array<words, close_reasons> closings{{
    {"idle_timeout", "it was idle for longer than idle_timeout"},
    {"max_lifetime", "it was older than max_lifetime"},
    {"retired", "it was opened before the last reload or reconnect"},
    {"surplus", "the pool became smaller than the servers it had"},
    {"yielded", "another pool waited for a server and this one could be spared"},
    {"paused", "the pool is paused"},
    {"draining", "the pool is being shut down"},
    {"server_gone", "the server closed the connection or could not be reached"},
    {"protocol_doubt", "the server sent what was not expected, so it is not reused"},
    {"client_gone", "its client left before its work was finished"},
    {"cancel_doubt", "a cancel request might still have been on its way to it"},
    {"reset_failed", "its session could not be brought back to a known state"},
    {"timed_out", "a statement or an idle transaction passed its time limit"},
    {"killed", "an operator asked for it"},
    {"open_failed", "it could not be opened"},
    {"session_over", "its client logged in through it and has left"},
}};

constexpr std::array<words, refusals> refused{{
    {"none", "not refused"},
    {"timeout", "no server came free within wait_timeout"},
    {"queue_full", "too many clients are waiting for a server already"},
    {"server_refuses", "PostgreSQL cannot be reached or refuses new connections"},
    {"draining", "Fairing is shutting down"},
    {"paused", "the database is paused from the console"},
}};

constexpr std::array<std::string_view, 6> states{"absent", "opening", "idle",
                                                 "leased", "pinned",  "closing"};

template <class Table, class Enum>
constexpr const auto& at(const Table& table, Enum value) noexcept {
  const auto i = static_cast<std::size_t>(value);
  return table[i < table.size() ? i : 0];
}

}  // namespace

std::string_view name(server_state s) noexcept { return at(states, s); }
std::string_view name(pin_reason r) noexcept { return at(pins, r).name; }
std::string_view sentence(pin_reason r) noexcept { return at(pins, r).sentence; }
std::string_view name(close_reason r) noexcept { return at(closings, r).name; }
std::string_view sentence(close_reason r) noexcept { return at(closings, r).sentence; }
std::string_view name(refusal r) noexcept { return at(refused, r).name; }
std::string_view sentence(refusal r) noexcept { return at(refused, r).sentence; }

}  // namespace fairing::pool
