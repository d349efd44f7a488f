// fill_buffer: the body of one origin answer while it arrives, read by any number of clients at their own pace.
//
// Problem: one fill serves its first client, all that joined, and the cache. A slow reader must not pace the
// origin, a body that is not kept must not pile up, and each coding is encoded once, not once a reader.
//
// Modes: keeping (all bytes stay until the end, up to limits.object) and passing (what every reader has had is
// dropped; the writer waits while the fastest reader is `window` behind; readers that fall four windows further
// behind the fastest are cut off).
// A reader of a part may stand beyond what has arrived: it waits, holds no byte back, and neither paces the writer nor
// counts as the fastest until its first byte is there.
// Flow:  writer: append(bytes), finish() or abort(); reader: next(cursor, out) then wait on its waker.
// Threads: any; one mutex. Bytes handed out stay valid while their chunk_ptr is held.
#pragma once

#include <array>
#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "compress/encoder.hpp"
#include "http/session/body_data.hpp"
#include "net/event.hpp"

namespace fairing::http {

struct chunk : boost::intrusive_ref_counter<chunk> {
  std::string bytes;  // never reallocated once shared
};
using chunk_ptr = boost::intrusive_ptr<const chunk>;

struct piece {
  chunk_ptr holder;
  std::string_view bytes;
};

enum class fill_state : std::uint8_t {
  open,      // more may come
  finished,  // complete: the origin ended it properly
  aborted,   // the origin broke off, or this reader was cut off: what was sent must look incomplete
};

// What a reader wants of its track, in bytes.
struct fill_span {
  std::uint64_t first = 0;
  std::uint64_t end = UINT64_MAX;  // exclusive; beyond the body: all of it
};

// Bytes held by all fills of the process, for the memory bound.
[[nodiscard]] std::atomic<std::size_t>& fill_bytes_in_flight() noexcept;

class fill_buffer {
 public:
  static constexpr std::size_t window = 256 * 1024;
  static constexpr std::size_t chunk_size = 32 * 1024;

  fill_buffer() = default;
  ~fill_buffer();
  fill_buffer(const fill_buffer&) = delete;
  fill_buffer& operator=(const fill_buffer&) = delete;

  // Writer.
  void append(std::string_view bytes, bool flush_encoders);
  void seal();    // ends the encoders, so that take_bodies() has every coding that was read
  void finish();  // seals; readers see the end
  void abort();
  void set_trailers(std::string lines);  // before finish()
  void set_passing();                    // from now on nothing is kept for the cache
  [[nodiscard]] bool passing() const;
  // Passing and too far ahead: wait for the writer's waker before the next append.
  [[nodiscard]] bool must_wait() const;
  // Passing, and every reader has left: nobody wants the rest.
  [[nodiscard]] bool abandoned() const;
  void disown();  // who asked has gone: a body that is not kept is wanted by nobody
  void set_writer(net::waker w);
  [[nodiscard]] std::uint64_t size() const;  // identity bytes appended so far
  // After finish, keeping: the whole body per coding that was read, identity first.
  [[nodiscard]] std::array<body_ptr, compress::coding_count> take_bodies();

  // Of the identity body kept so far; independent of how it arrived.
  [[nodiscard]] std::uint64_t content_hash() const;

  // Readers. False if the first byte wanted is gone already. Parts are of identity: a coding's track is read from its
  // start.
  [[nodiscard]] bool open_reader(compress::coding c, net::waker w, std::size_t& id,
                                 fill_span want = {});
  void close_reader(std::size_t id);
  // Complete lines; once next() has said finished.
  [[nodiscard]] std::string_view trailers() const noexcept { return trailers_; }
  // Appends up to `max_pieces` pieces to `out` and moves the reader on. `finished` also once a part is complete,
  // whatever becomes of the rest.
  [[nodiscard]] fill_state next(std::size_t id, std::vector<piece>& out, std::size_t max_pieces);
  [[nodiscard]] std::size_t readers() const;

 private:
  struct track {
    bool active = false;
    std::unique_ptr<compress::encoder> encoder;  // null for identity
    std::deque<boost::intrusive_ptr<chunk>> chunks;
    std::uint64_t base = 0;  // body offset of chunks.front()
    std::uint64_t end = 0;
  };
  struct reader_state {
    bool used = false;
    bool cut_off = false;
    std::uint8_t coding = 0;
    std::uint64_t offset = 0;
    std::uint64_t until = UINT64_MAX;
    net::waker wake;
    // Its bytes are still to come.
    [[nodiscard]] bool ahead_of(const track& t) const noexcept { return offset > t.end; }
  };
  void push(track& t, std::string_view bytes);
  void end_encoders();
  void drop_read(track& t, std::uint8_t coding);
  void drop_front(track& t);
  void bound_tracks();
  void wake_readers();
  [[nodiscard]] std::uint64_t fastest_lag() const;

  mutable std::mutex mutex_;
  std::array<track, compress::coding_count> tracks_;
  std::vector<reader_state> readers_;
  net::waker writer_;
  fill_state state_ = fill_state::open;
  bool passing_ = false;
  bool sealed_ = false;
  bool opened_ = false;  // some reader has been opened
  std::uint64_t size_ = 0;
  std::string encoded_;
  std::string trailers_;
};

}  // namespace fairing::http
