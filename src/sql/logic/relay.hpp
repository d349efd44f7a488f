// relay: one client's conversation with whichever server it has at the moment: what is forwarded, changed, answered here
// and put in between.
//
// Problem: a client must not notice that each of its transactions runs on another server connection: its prepared
// statements, settings, cursors and errors are those it would see on a connection of its own. And no byte of an answer
// may ever reach the wrong client.
//
// How: every message that goes to the server is an entry in a queue; every answer must fit the queue's head, or the
// server connection is broken (`doubt`). A statement's name is replaced by that of the shared statement; a Parse of what
// the server already has is answered here, in its turn. What the server lacks (a statement, the client's settings) is
// put in before, and what follows waits until that is known to have worked. When a transaction is over and something may
// have changed the session, the server is asked what its session holds (settings.hpp) before it is given back.
//
// Flow (the session layer):
//   client bytes -> from_client(): `lease`: attach() a server and call again with what was not taken; `wait`: call again
//   when from_server says proceed; `read`: read more (append to what was not taken); `close`: send to_client and end.
//   server bytes -> from_server(): released: give the server back (detach). broken: close both.
//   After each call: write to_server and to_client, clear them; then drop the bytes that were taken.
// Lifecycle: one a client, after log-in. Threads: the home core's. Time is an argument.
// Cost: per message a look at its header, a few stores; a text's hash per Query or Parse. No allocation in steady state.
// Bounds: `limits`; a pipeline of more than limits.pipeline messages waits.
// What it cannot see: a setting that a function changes of which session_functions does not know, unless the server
// reports it (ParameterStatus); a PREPARE or DEALLOCATE inside a function (an unknown fairing_N heals by preparing all
// anew). A Query of PREPARE and others makes names that Parse does not know of; an unnamed Parse that an error skipped
// also ends the unnamed statement before it; a Query that names statements, behind messages without Sync, is a
// transaction of its own.
// Source: PostgreSQL documentation, chapter "Frontend/Backend Protocol"; anchors: what drivers send, statement by statement.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "codec/pgwire/client_messages.hpp"
#include "codec/pgwire/message_type.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/sqlstate.hpp"
#include "sql/logic/effects.hpp"
#include "sql/logic/entry_queue.hpp"
#include "sql/logic/insight.hpp"
#include "sql/logic/out_batch.hpp"
#include "sql/logic/session_functions.hpp"
#include "sql/logic/settings.hpp"
#include "sql/logic/start_settings.hpp"
#include "sql/logic/statements.hpp"

namespace fairing::sql {

namespace pgwire = codec::pgwire;

struct relay_limits {
  std::size_t statement_bytes = 16ULL << 20;  // of a Query or Parse; a longer one is refused
  std::size_t pipeline = 65'536;              // messages on their way
  std::size_t notice_bytes = 1ULL << 20;      // of a server's message that is read whole
};

// What the relays of one pool share; on its home core.
struct pool_shared {
  explicit pool_shared(std::uint64_t seed, statement_limits l = {}) : effects(seed), statements(l) {
    effects.know(&functions);
  }
  pool_shared(const pool_shared&) = delete;
  pool_shared& operator=(const pool_shared&) = delete;
  session_functions functions;
  effects_cache effects;
  statement_table statements;
  settings_table settings;
  custom_settings custom;
  known_starts starts;
  relay_limits limits;
  std::string user;               // whose servers they are
  insight* watch = nullptr;       // the core's; null: nobody watches
  std::uint64_t last_serial = 0;  // of clients' unnamed statements
  std::uint64_t relays = 0;       // so far
  bool escapes = false;           // in some session standard_conforming_strings was off
  bool reads_sequences = false;   // somebody has asked for currval or lastval
};

// What is known of one server connection besides its socket; belongs to the session's server object.
struct server_session {
  explicit server_session(settings_ptr none, std::size_t most_statements)
      : applied(std::move(none)), prepared(most_statements) {}
  pgwire::transaction_status status = pgwire::transaction_status::idle;
  settings_ptr applied;
  // Which relay may have made settings there that PostgreSQL lists nowhere; 0: none has. They are reset, whatever their
  // names, before another client's statement.
  std::uint64_t unlisted_of = 0;
  server_statements prepared;
  std::uint64_t unnamed = 0;  // serial of the unnamed statement that it holds; 0: nobody's
  std::uint32_t pid = 0;      // of its process, as PostgreSQL names it
  // Whose statement touched sequences last: the last values are that relay's; 0: there are none.
  std::uint64_t sequences_of = 0;
  // Connections of dblink may be open there, which nothing lists and DISCARD ALL does not close: it has to be closed.
  bool links = false;
  std::uint32_t ahead = 0;        // so many others' statements were sent, behind all that is due
  bool ahead_is_next = false;     // and that is answered: what comes now is the answer to the first
  bool escapes = false;           // standard_conforming_strings is off there
  bool escapes_by_start = false;  // and was when it was opened: RESET goes back to that
};

// One finished statement, for statistics.
struct statement_done {
  text_ids ids;
  std::int64_t began_us = 0;
  std::int64_t ended_us = 0;
  std::uint64_t rows = 0;
  bool failed = false;
};

// Servers that clients keep beyond their transaction.
struct pin_use {
  std::uint32_t now = 0;
  std::uint32_t most = 0;
  bool session_listen = false;  // there is one, where a client may keep its server
};

class relay_hooks {
 public:
  // May the client keep its server beyond the transaction? Asked again for each reason; keep(nullopt) ends it.
  [[nodiscard]] virtual bool keep(std::optional<pool::pin_reason> reason) = 0;
  [[nodiscard]] virtual pin_use pins() const = 0;
  virtual void done(const statement_done& d) = 0;
  // DISCARD ALL: what the client may have left unseen on the server that it had last (locks that a function took) is to
  // be ended there.
  virtual void leave_nothing() = 0;

 protected:
  ~relay_hooks() = default;
};

enum class step : std::uint8_t {
  read,   // everything was taken that can be: the client's next bytes are needed
  lease,  // a server is needed
  wait,   // an answer is needed first: go on when from_server says `proceed`
  close,  // the conversation is over
};

struct progress {
  std::size_t taken = 0;  // bytes of the server that need not be shown again
  bool proceed = false;   // from_client has something to do
  bool released = false;  // the server is the pool's again
  bool broken =
      false;  // the server connection must be closed, and the client told (to_client has it)
};

class relay {
 public:
  // `wanted`: settings that the client's start-up asked for; null: none. As it wrote them, until learn_start().
  relay(pool_shared& shared, relay_hooks& hooks, std::uint64_t id, const settings_ptr& wanted = {});
  ~relay();
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  // With a server at hand: tries them there and finds out how PostgreSQL lists them. Over when start_learned().
  void learn_start();
  [[nodiscard]] bool start_learned() const noexcept { return !learning_; }
  // start() is as PostgreSQL lists it.
  [[nodiscard]] bool start_listed() const noexcept { return start_listed_; }
  // What a new session of the client's has: RESET goes back to it.
  [[nodiscard]] const settings_ptr& start() const noexcept { return start_; }
  // The body of the ErrorResponse with which PostgreSQL refused them; "": it did not.
  [[nodiscard]] const std::string& start_error() const noexcept { return start_error_; }

  [[nodiscard]] step from_client(std::string_view bytes, std::size_t& taken, mono_time now);
  [[nodiscard]] progress from_server(std::string_view bytes, mono_time now);

  void attach(server_session& s);
  // The server was given back, or is lost.
  void detach() noexcept;
  // Detached, with these bytes of its client's: the first of them that will be sent to such a server as they are, and are
  // all of a transaction that only reads, so that they may be sent before the one that runs there has ended; none: 0.
  [[nodiscard]] std::size_t sendable_ahead(std::string_view bytes, const server_session& s);
  // What is on its way to its server ends in no transaction and leaves nothing there, as far as can be known.
  [[nodiscard]] bool may_be_followed() noexcept;
  // Of the settings that its next server should have.
  [[nodiscard]] std::uint64_t state_id() const noexcept { return state_id_of(wanted_); }

  // What the client asked for is not finished: a lost server costs it an error.
  [[nodiscard]] bool in_flight() const noexcept {
    return !queue_.empty() || unsynced_ || skipping_;
  }
  [[nodiscard]] bool in_transaction() const noexcept {
    return server_ && server_->status != pgwire::transaction_status::idle;
  }
  [[nodiscard]] bool pinned() const noexcept { return pinned_; }
  // It keeps its server only because it may ask there for the last value of a sequence: see let_go().
  [[nodiscard]] bool lingers() const noexcept {
    return server_ && made_values_ && !pinned_ && !waiting_ && !in_flight() && quiet() &&
           !in_transaction();
  }
  // Its server has the last values of the sequences that it used.
  [[nodiscard]] bool touched_sequences() const noexcept {
    return server_ && shared_.reads_sequences && server_->sequences_of == serial_;
  }
  // Since when nothing has come.
  [[nodiscard]] mono_time idle_since() const noexcept { return now_; }
  // At a message's boundary, with nothing on its way: the moment to end the connection politely.
  [[nodiscard]] bool quiet() const noexcept { return queue_.empty() && body_left_ == 0; }
  // Part of a server's message has gone to the client: nothing of ours may follow.
  [[nodiscard]] bool within_answer() const noexcept { return answer_left_ > 0 && !answer_dropped_; }
  // In the middle of a statement that a cancel request could stop.
  [[nodiscard]] bool cancellable() const noexcept { return !queue_.empty() && !injected_head(); }

  // A limit of ours is about to cancel the statement under way: its error will say so. 0: no more.
  void limited_by(milliseconds limit) noexcept { limit_ = limit; }
  [[nodiscard]] bool limited() const noexcept { return limit_.count() > 0; }
  // The server has said by a FATAL, which the client was shown, that it ends the connection.
  [[nodiscard]] bool farewell() const noexcept { return farewell_; }

  // Says so to the client and ends the conversation.
  void fatal(pgwire::sqlstate code, std::string_view message, std::string_view hint = {});

  out_batch to_server;
  out_batch to_client;

 private:
  struct named {
    shared_statement* shared = nullptr;
    std::uint64_t epoch = 0;  // of the client's own Parse: what is older is not used for it
    std::uint64_t verified =
        0;  // up to here the statement's rows are known to be of the same shape
  };
  struct portal {
    std::string name;
    effects what;
  };
  // An error of the client's that only a server can raise at the right moment: something that fails is sent instead, and
  // its ErrorResponse becomes this one.
  struct refusal {
    pgwire::sqlstate code = pgwire::sqlstate::internal_error;
    std::string message;
    std::string hint;
    std::string_view routine{};  // a constant
  };
  struct change {  // of names_, to be taken back if the server skips the message
    std::string name;
    named before;               // shared null: there was none
    std::uint32_t segment = 0;  // in which it was sent
    bool undone = false;
  };
  enum class after : std::uint8_t { go_on, read, lease, wait, close };  // of one message

  // relay_client.cpp: messages of the client; relay_state.cpp: what is put in between them.
  step take_messages(std::string_view bytes, std::size_t& taken);
  after on_message(std::string_view rest, std::size_t size, std::size_t& used);
  after on_query(std::string_view rest, std::size_t size, std::size_t& used);
  after on_parse(std::string_view message);
  after on_bind(std::string_view rest, std::size_t size, std::size_t& used);
  after on_describe(std::string_view message);
  after on_close(std::string_view message);
  after on_execute(std::string_view message);
  after on_sync(std::string_view message);
  after on_copy(std::string_view rest, std::size_t size, std::size_t& used);
  after need_server();
  after inject_query(std::string_view sql, purpose why);
  after inject_sync(bool wait);
  void nudge();
  after isolate_sequences(const effects& e);
  void note_effects(const effects& e);
  [[nodiscard]] bool may_be_read_otherwise(std::string_view text) const noexcept {
    return (shared_.escapes || (in_flux() && !queue_.empty())) && text.find('\\') != text.npos;
  }
  after know_reading(std::string_view text);
  [[nodiscard]] effects effects_in_session(std::string_view text);
  [[nodiscard]] codec::sql_lexer::lexer_options reading() const noexcept {
    return {.standard_conforming_strings = !server_ || !server_->escapes};
  }
  void note_reading(std::string_view message);
  // Anything may be left there, settings that nobody lists among it.
  void doubt_session() noexcept {
    ask_state_ = ran_ = true;
    if (server_) server_->unlisted_of = server_->sequences_of = serial_;
  }
  void note_name(std::string_view name);
  [[nodiscard]] std::string state_question();
  void on_custom_row(std::string_view name, std::string_view value);
  void end_transaction();
  [[nodiscard]] bool names_to_come(const effects& e, std::string_view part,
                                   std::size_t size) const noexcept {
    return e.sets_by_parameter && part.size() < size && size <= shared_.limits.statement_bytes;
  }
  void note_set_names(const effects& e, std::string_view message, std::size_t size);
  after end_segment();
  void next_segment() noexcept {
    ++segment_;
    earlier_statements_ = queue_.statements_due();
  }
  after refuse(refusal r, std::string_view rest, std::size_t size, std::size_t& used);
  after refuse(refusal r, std::string_view message);
  after forward(std::string_view rest, std::size_t size, std::size_t& used);
  after drop(std::string_view rest, std::size_t size, std::size_t& used);
  after protocol_fault(std::string_view why);
  [[nodiscard]] std::optional<refusal> refused_pin(const effects& e);
  [[nodiscard]] std::optional<refusal> refused_name(std::string_view definition) const;
  [[nodiscard]] static refusal no_memory();
  [[nodiscard]] static refusal too_long();
  [[nodiscard]] std::uint64_t watch_bind(text_ids ids, std::string_view definition,
                                         std::string_view message, std::size_t size);
  void note_portal(std::string_view name, const effects& e, std::uint64_t values = 0);

  // relay_sql_names.cpp: statements' names in SQL.
  after on_named_query(std::string_view text, const effects& e);
  after sql_prepare(std::string_view text, const codec::sql_lexer::statement& s);
  after sql_execute(std::string_view text, const codec::sql_lexer::statement& s);
  after rename_in_texts(std::string_view text, const effects& e);
  after answer_query(const char* tag);
  after reset_name(std::string_view text, const effects& e, std::string_view start);
  [[nodiscard]] const std::string* start_name() const noexcept;
  after send_query(std::string_view text, const effects& e, entry made = {});
  after parse_naming(std::string_view message, const pgwire::parse_view& p, const effects& e);

  // relay_names.cpp: statements' names.
  after parse_plain(std::string_view message, std::string_view name, const effects& e);
  after parse_named(std::string_view message, std::string_view name, const effects& e);
  void keep_scope(named& n);
  [[nodiscard]] bool columns_changed(const entry& e, const pgwire::error_view& error);
  after prepare_on_server(named& n, bool simple = false);
  void put_prepare(shared_statement& s);
  void make_room(shared_statement& s);
  void put_close(std::uint32_t statement);
  void put_unnamed();
  void put_parse(std::string_view name, std::string_view definition, const entry& made);
  after put_renamed(std::string_view part, std::string_view name, std::size_t size,
                    std::size_t& used);
  void change_name(entry& e, std::string name, named n);
  void drop_name(std::string_view name);
  [[nodiscard]] bool unsettled(std::string_view name);
  void undo_change(std::size_t i);
  void forget_all_names();
  [[nodiscard]] std::string scope(std::string_view definition) const;
  // What was set or prepared now may not be there when the transaction is over.
  [[nodiscard]] bool in_flux() const noexcept { return ask_state_ || sets_local_; }
  [[nodiscard]] static bool stale(const named& n) noexcept {
    return n.shared->shape_epoch > n.epoch;
  }
  [[nodiscard]] static refusal cached_plan();
  [[nodiscard]] static std::string unknown_name(std::string_view name);
  [[nodiscard]] static std::string unknown_in_sql(std::string_view name);

  // relay_functions.cpp: what the database's functions do to sessions.
  after ask_functions();
  [[nodiscard]] bool on_function_row(std::string_view message);
  void on_functions_known();
  void on_functions_refused(const pgwire::parsed<pgwire::error_view>& error);
  void renew(effects& what, std::string_view definition);

  // relay_server.cpp: messages of the server. False: it does not fit what was sent.
  [[nodiscard]] bool streams(char type, std::size_t size) const noexcept;
  [[nodiscard]] bool on_answer(char type, std::string_view message);
  [[nodiscard]] bool on_completion(char type, std::string_view message);
  [[nodiscard]] bool on_ready(std::string_view message);
  [[nodiscard]] bool on_error(std::string_view message);
  [[nodiscard]] bool on_description(char type, std::string_view message);
  [[nodiscard]] bool on_acknowledgement(entry_kind kind, std::string_view message);
  [[nodiscard]] bool on_copy_message(char type, std::string_view message);
  [[nodiscard]] bool on_copy_in();
  [[nodiscard]] bool on_row(std::string_view message);
  void on_async(char type, std::string_view message);
  void on_command_tag(std::string_view message, entry& e);
  void note_shape(shared_statement& s, std::string_view message, bool injected);
  void heal(const pgwire::error_view& error);
  void pass_error(std::string_view message);
  void show_error(std::string_view message, const pgwire::parsed<pgwire::error_view>& error);
  void show_setting(std::string_view message);
  void show_notification(std::string_view message);
  void skip_to_sync();
  void forget_sent(const entry& e);
  void pop();
  void answer_heads();
  void pass(std::string_view bytes);
  void show(std::string_view bytes);
  // Of the client, and perhaps not all of a transaction.
  [[nodiscard]] static bool is_strange(const entry& e) noexcept {
    const bool runs =
        e.kind == entry_kind::query || e.kind == entry_kind::execute || e.kind == entry_kind::call;
    return runs && !e.whole && e.why <= purpose::answered;
  }
  [[nodiscard]] bool ahead_is_due() const noexcept { return at_end_of_answers() && server_->ahead; }
  void end_before_ahead(progress& p);
  [[nodiscard]] bool at_end_of_answers() const noexcept {
    return answer_left_ == 0 && queue_.empty();
  }
  [[nodiscard]] bool head_is(entry_kind a, entry_kind b) const noexcept {
    return !queue_.empty() && (queue_.front().kind == a || queue_.front().kind == b);
  }
  [[nodiscard]] bool injected_head() const noexcept {
    return !queue_.empty() && queue_.front().why > purpose::answered;
  }

  // relay_state.cpp: what the session holds, and whether the server can be given back.
  void settle(progress& p);
  [[nodiscard]] bool on_state_row(std::string_view message);
  void on_state_known();
  void on_state_unknown();
  [[nodiscard]] bool keep_for(pool::pin_reason reason);
  [[nodiscard]] refusal too_many_pins(pool::pin_reason reason) const;
  [[nodiscard]] bool on_injected_error(std::string_view message);
  void doubt(progress& p, std::string_view why);
  void report(const entry& e, bool failed);

  static constexpr std::size_t most_portals = 64;  // more than that are not remembered
  pool_shared& shared_;
  relay_hooks& hooks_;
  const std::uint64_t id_;
  server_session* server_ = nullptr;
  mono_time now_{};
  milliseconds limit_{0};    // of ours, that cancels the statement under way
  std::int64_t now_us_ = 0;  // of the server's bytes, while somebody watches

  entry_queue queue_;
  insight_client seen_;
  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return hash64(s, process_seed()); }
  };
  boost::unordered_flat_map<std::string, named, name_hash, std::equal_to<>> names_;
  std::vector<portal> portals_;  // of the transaction, also the unnamed one
  struct {
    std::string body;  // of its Parse, behind the name
    effects what;
    std::uint64_t serial = 0;  // 0: there is none
  } unnamed_;
  fifo<change> changes_;    // of the entries that say so
  fifo<refusal> refusals_;  // likewise
  std::vector<std::string>
      dropping_;  // names that the Query under way will free, in order; "": not one of names_

  settings_ptr start_;  // what RESET goes back to
  std::string start_error_;
  std::string told_name_;  // application_name as the client knows it
  settings_ptr wanted_;    // the client's settings
  settings_ptr changing_;  // what an injected change brings the server to
  settings state_;         // rows of the state query so far
  std::unique_ptr<functions_answer> functions_answer_;  // while it is asked for
  bool state_pins_ = false;
  std::optional<pool::pin_reason> state_reason_;

  std::size_t body_left_ = 0;  // of a client's message that is forwarded (or dropped) as it comes
  bool body_dropped_ = false;
  std::size_t answer_left_ = 0;  // of a server's message that is forwarded as it comes
  bool answer_dropped_ = false;
  bool shown_ = false;             // the server's message at hand goes to the client
  bool torn_ = false;              // the client has a part of a message whose rest will not come
  bool waiting_ = false;           // for an entry that ends_wait
  bool farewell_ = false;          // the server has ended the connection by a FATAL
  bool pending_ = false;           // a message of the client's goes on when the wait is over
  bool blocked_ = false;           // from_client said wait
  bool preparing_simple_ = false;  // what is being prepared is for a Query
  bool prepare_failed_ = false;    // and could not be: the client has the error
  bool drop_query_ = false;        // the Query that waited for it is answered
  bool ask_state_ = false;         // the session may have changed
  bool state_unknown_ = false;     // it could not be asked: the client keeps its server
  // Names of settings with a dot.
  struct custom_names {
    std::vector<std::string> fresh;  // in statements since the state was asked
    std::vector<std::string> own;    // this client has values of them
    std::vector<std::string> shown;  // by the answer under way
    bool asked = false;    // in the question under way are some that only this client asks for
    bool unasked = false;  // one of them may not be asked for: none is any more
  } custom_;
  // Settings of the start-up that the server told to have changed while a RESET was under way, and the client was told to
  // have again.
  std::vector<std::pair<std::string, std::string>> untold_;
  const std::uint64_t serial_;     // of this relay, in its pool
  std::uint64_t transaction_ = 0;  // counts those that ended
  bool resets_ = false;            // something was RESET
  bool ran_ = false;               // it ran statements since its last DISCARD ALL
  bool made_values_ =
      false;  // its last statement made values of sequences, which it may ask for next
  bool prepared_in_flux_ = false;  // a shared statement, while in_flux()
  bool start_listed_ = false;
  bool learning_ = false;       // what the start-up asked for is being tried
  bool sets_local_ = false;     // so does this transaction, for itself
  bool sets_unknown_ = false;   // a setting was made under a name that is not known
  bool inject_failed_ = false;  // the injected query under way was cancelled
  bool tell_settings_ =
      false;              // the client was told other values of its settings than those it has
  bool strange_ = false;  // since attach() something was run that is_strange()
  bool pinned_ = false;
  bool kept_ = false;      // hooks_.keep said yes
  bool unsynced_ = false;  // extended messages went out since the last Sync
  bool skipping_ = false;  // an error happened: the server ignores all until Sync
  bool copy_in_ = false;
  bool copy_ended_ = false;  // CopyDone or CopyFail went out
  bool over_ = false;
  bool ddl_ = false;
  bool functions_changed_ = false;  // by this transaction, perhaps
  std::uint8_t inject_tries_ = 0;
  std::size_t earlier_statements_ = 0;  // entries that make or close one, sent in earlier segments
  std::uint32_t segment_ = 0;           // counts Syncs and Queries
  std::size_t ignored_syncs_ = 0;  // that went out before COPY began: it should have swallowed them
};

}  // namespace fairing::sql
