#include "jobs/store/postgres/session.hpp"

#include <endian.h>
#include <poll.h>
#include <postgresql/libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/clock.hpp"
#include "jobs/logic/store.hpp"

namespace fairing::jobs::postgres {

namespace {

constexpr std::int64_t answer_ms = 30'000;
constexpr std::size_t most_open = 128;  // their answers fit into any socket's buffer
constexpr unsigned int oid_of_int8 = 20;
constexpr unsigned int oid_of_bytea = 17;
constexpr unsigned int oid_of_text = 25;

std::int64_t monotonic_ms() noexcept { return precise_us() / 1'000; }

std::string one_line(const char* text) {
  std::string out(text == nullptr ? "" : text);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  std::ranges::replace(out, '\n', ' ');
  return out;
}

std::string name_of(std::size_t which) { return "j" + std::to_string(which); }

// What the server's answer means for the plane.
error error_of(const pg_result* r) {
  const char* field = PQresultErrorField(r, PG_DIAG_SQLSTATE);
  const std::string_view state = field == nullptr ? "" : field;
  std::string detail =
      "the job store (PostgreSQL): " + one_line(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
  if (!state.empty()) detail += " (SQLSTATE " + std::string(state) + ")";
  if (state == "53100") return {errc::full, detail + ": free some disk space on its server"};
  const char* how = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
  const std::string_view severity = how == nullptr ? "" : how;
  if (severity == "FATAL" || severity == "PANIC") return {errc::fenced, detail};  // it is over
  if (state == "42501")
    detail += ": give jobs.store's user that right, or make schema fairing its own";
  return {errc::store_failed, std::move(detail)};
}

}  // namespace

params& params::add(std::int64_t n) noexcept {
  const auto at = static_cast<std::size_t>(count_++);
  numbers_[at] = htobe64(static_cast<std::uint64_t>(n));
  is_number_[at] = true;
  lengths_[at] = sizeof(std::uint64_t);
  return *this;
}
params& params::add(std::string_view bytes) noexcept {
  const auto at = static_cast<std::size_t>(count_++);
  values_[at] = bytes.data() != nullptr ? bytes.data() : "";
  lengths_[at] = static_cast<int>(bytes.size());
  return *this;
}
params& params::add_null() noexcept {
  ++count_;
  return *this;
}

void rows::clear::operator()(pg_result* r) const noexcept { PQclear(r); }
int rows::size() const noexcept { return PQntuples(result_.get()); }
std::int64_t rows::number(int row, int column) const noexcept {
  std::uint64_t n = 0;
  if (PQgetlength(result_.get(), row, column) != sizeof(n)) return 0;
  std::memcpy(&n, PQgetvalue(result_.get(), row, column), sizeof(n));
  return static_cast<std::int64_t>(be64toh(n));
}
std::string_view rows::bytes(int row, int column) const noexcept {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
bool rows::is_null(int row, int column) const noexcept {
  return PQgetisnull(result_.get(), row, column) != 0;
}
std::uint64_t rows::changed() const noexcept {
  const std::string_view text = PQcmdTuples(result_.get());
  std::uint64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

void session::finish::operator()(pg_conn* c) const noexcept { PQfinish(c); }

// Whether a refused connection is the server's no or its absence is nothing libpq tells; a ping is answered without a
// password, so it does.
result<session> session::open(const std::string& url, const std::string& name) {
  const std::array<const char*, 8> keys = {
      "dbname",          "fallback_application_name", "client_encoding",  "connect_timeout",
      "keepalives_idle", "keepalives_interval",       "keepalives_count", nullptr};
  const std::array<const char*, 8> values = {url.c_str(), name.c_str(), "UTF8", "5",
                                             "10",        "3",          "3",    nullptr};
  session s(PQconnectdbParams(keys.data(), values.data(), 1));
  auto* c = s.connection_.get();
  if (c == nullptr) return fail(errc::store_failed, "no memory for a connection to PostgreSQL");
  if (PQstatus(c) != CONNECTION_OK) {
    const auto why = "the job store (PostgreSQL) cannot be reached: " + one_line(PQerrorMessage(c));
    const bool there = PQpingParams(keys.data(), values.data(), 1) == PQPING_OK;
    return fail(there ? errc::store_failed : errc::fenced, why);
  }
  PQsetNoticeProcessor(c, [](void*, const char*) {}, nullptr);
  PQsetnonblocking(c, 1);
  return s;
}

std::unexpected<error> session::lose(std::string_view why) {
  lost_ = true;
  std::string detail = "the connection to the job store (PostgreSQL) is lost: ";
  const auto said = one_line(PQerrorMessage(connection_.get()));
  detail += said.empty() ? why : std::string_view(said);
  return keep({errc::fenced, std::move(detail)});
}
std::unexpected<error> session::keep(error e) {
  if (e.code == errc::fenced) lost_ = true;
  if (!fault_) fault_ = std::move(e);
  return std::unexpected(*fault_);
}

bool session::wait(short events, std::int64_t until_ms) const noexcept {
  while (true) {
    const auto left = until_ms - monotonic_ms();
    if (left <= 0) return false;
    pollfd p{PQsocket(connection_.get()), events, 0};
    if (p.fd < 0) return false;
    if (::poll(&p, 1, static_cast<int>(left)) > 0) return true;
  }
}

result<void> session::flush() {
  auto* c = connection_.get();
  const auto until = monotonic_ms() + answer_ms;
  while (true) {
    const int left = PQflush(c);
    if (left == 0) return {};
    if (left < 0) return lose("it cannot be written to");
    if (!wait(POLLIN | POLLOUT, until)) return lose("the server does not read");
    if (PQconsumeInput(c) == 0) return lose("it was closed");
  }
}

result<pg_result*> session::next_result() {
  auto* c = connection_.get();
  const auto until = monotonic_ms() + answer_ms;
  while (PQisBusy(c) != 0) {
    if (!wait(POLLIN, until)) return lose("the server does not answer");
    if (PQconsumeInput(c) == 0) return lose("it was closed");
  }
  return PQgetResult(c);
}

result<rows> session::execute(const std::string& sql) {
  if (lost_) return std::unexpected(*fault_);
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) return lose("it cannot be written to");
  if (auto r = flush(); !r) return std::unexpected(r.error());
  rows last(nullptr);
  std::optional<error> fault;
  while (true) {
    const auto r = next_result();
    if (!r) return std::unexpected(r.error());
    if (*r == nullptr) break;
    last = rows(*r);
    const auto status = PQresultStatus(*r);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && !fault) fault = error_of(*r);
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return lose("it was closed");
  }
  if (fault) {
    if (fault->code == errc::fenced) return keep(*fault);
    return std::unexpected(*fault);
  }
  return last;
}

result<void> session::prepare(std::span<const statement_text> texts) {
  auto* c = connection_.get();
  if (PQenterPipelineMode(c) == 0) return lose("it cannot be used for a pipeline");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::array<unsigned int, params::most> types{};
    const auto& letters = texts[i].types;
    std::ranges::transform(letters, types.begin(), [](char letter) {
      return letter == 'n' ? oid_of_int8 : letter == 't' ? oid_of_text : oid_of_bytea;
    });
    if (PQsendPrepare(c, name_of(i).c_str(), texts[i].sql.c_str(), static_cast<int>(letters.size()),
                      types.data()) == 0)
      return lose("it cannot be written to");
    open_.push_back({});
  }
  return sync();
}

// ---- statements

result<void> session::push(std::size_t which, const params& p) {
  if (fault_) return std::unexpected(*fault_);
  std::array<const char*, params::most> values{};
  std::array<int, params::most> formats{};
  formats.fill(1);
  for (std::size_t i = 0; i < static_cast<std::size_t>(p.count_); ++i)
    values[i] = p.is_number_[i] ? reinterpret_cast<const char*>(&p.numbers_[i]) : p.values_[i];
  if (PQsendQueryPrepared(connection_.get(), name_of(which).c_str(), p.count_, values.data(),
                          p.lengths_.data(), formats.data(), 1) == 0)
    return lose("it cannot be written to");
  return {};
}

result<void> session::begin() {
  fault_ = lost_ ? fault_ : std::nullopt;
  if (fault_) return std::unexpected(*fault_);
  if (PQsendQueryParams(connection_.get(), "BEGIN", 0, nullptr, nullptr, nullptr, nullptr, 1) == 0)
    return lose("it cannot be written to");
  open_.push_back({});
  in_batch_ = true;
  return {};
}

result<void> session::send(std::size_t which, const params& p, bool one_row) {
  if (auto r = push(which, p); !r) return r;
  open_.push_back({one_row});
  if (!in_batch_) return sync();
  return open_.size() < most_open ? result<void>{} : settle();
}

result<rows> session::ask(std::size_t which, const params& p) {
  if (auto r = push(which, p); !r) return std::unexpected(r.error());
  auto* c = connection_.get();
  if ((in_batch_ ? PQsendFlushRequest(c) : PQpipelineSync(c)) == 0)
    return lose("it cannot be written to");
  if (auto r = flush(); !r) return std::unexpected(r.error());
  std::optional<error> earlier;
  for (; !open_.empty(); open_.pop_front())
    if (const auto r = answer(open_.front()); !r && !earlier) earlier = r.error();
  auto mine = answer({});
  if (!in_batch_) {
    const auto end = next_result();
    if (!end) return std::unexpected(end.error());
    PQclear(*end);
    fault_ = lost_ ? fault_ : std::nullopt;
  }
  if (earlier) return std::unexpected(*earlier);
  return mine;
}

result<rows> session::answer(const sent& what) {
  if (lost_) return std::unexpected(*fault_);
  const auto first = next_result();
  if (!first) return std::unexpected(first.error());
  rows out(*first);
  const auto status = PQresultStatus(*first);
  if (*first != nullptr) {  // nullptr closes the statement's results
    const auto end = next_result();
    if (!end) return std::unexpected(end.error());
    PQclear(*end);
  }
  if (status == PGRES_PIPELINE_ABORTED)
    return fault_ ? std::unexpected(*fault_) : keep({errc::store_failed, "the batch was given up"});
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return lose("it was closed");
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return keep(error_of(*first));
  if (what.one_row && out.changed() == 0)
    return keep({errc::store_failed,
                 "the job store (PostgreSQL): the row of a job is gone: something but Fairing "
                 "writes in schema fairing"});
  return out;
}

result<void> session::settle() {
  if (PQsendFlushRequest(connection_.get()) == 0) return lose("it cannot be written to");
  if (auto r = flush(); !r) return r;
  result<void> out;
  for (; !open_.empty(); open_.pop_front())
    if (const auto r = answer(open_.front()); !r && out) out = std::unexpected(r.error());
  return out;
}

result<void> session::sync() {
  if (PQpipelineSync(connection_.get()) == 0) return lose("it cannot be written to");
  if (auto r = flush(); !r) return r;
  result<void> out;
  for (; !open_.empty(); open_.pop_front())
    if (const auto r = answer(open_.front()); !r && out) out = std::unexpected(r.error());
  if (lost_) return std::unexpected(*fault_);
  const auto end = next_result();
  if (!end) return std::unexpected(end.error());
  PQclear(*end);
  return out;
}

// Until COMMIT has gone out, a lost connection is a lost batch. From then on only its answer says what became of it.
result<void> session::commit() {
  if (fault_) return std::unexpected(*fault_);
  if (auto r = settle(); !r) return r;
  if (PQsendQueryParams(connection_.get(), "COMMIT", 0, nullptr, nullptr, nullptr, nullptr, 1) == 0)
    return lose("it cannot be written to");
  open_.push_back({});
  const auto done = sync();
  if (lost_)
    return fail(errc::unknown_outcome,
                fault_->detail +
                    ": whether this was done is not known; look it up, or send it "
                    "again with the same Idempotency-Key");
  if (!done) return done;
  in_batch_ = false;
  return {};
}

void session::rollback() noexcept {
  if (!in_batch_) return;
  if (!lost_) (void)sync();
  in_batch_ = false;
  open_.clear();
  if (lost_) return;
  fault_.reset();
  if (PQsendQueryParams(connection_.get(), "ROLLBACK", 0, nullptr, nullptr, nullptr, nullptr, 1) ==
      0) {
    (void)lose("it cannot be written to");
    return;
  }
  open_.push_back({});
  (void)sync();
}

result<bool> session::wait_for_notice(int timeout_ms) {
  auto* c = connection_.get();
  const bool readable = wait(POLLIN, monotonic_ms() + timeout_ms);
  if (readable && PQconsumeInput(c) == 0) return lose("it was closed");
  bool any = false;
  while (auto* n = PQnotifies(c)) {
    any = true;
    PQfreemem(n);
  }
  return any;
}

}  // namespace fairing::jobs::postgres
