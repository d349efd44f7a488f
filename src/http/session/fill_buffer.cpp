#include "http/session/fill_buffer.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace fairing::http {

using compress::coding;

std::atomic<std::size_t>& fill_bytes_in_flight() noexcept {
  static std::atomic<std::size_t> bytes{0};
  return bytes;
}

fill_buffer::~fill_buffer() {
  for (auto& t : tracks_)
    while (!t.chunks.empty()) drop_front(t);
}

void fill_buffer::drop_front(track& t) {
  const auto& front = t.chunks.front();
  t.base += front->bytes.size();
  fill_bytes_in_flight().fetch_sub(front->bytes.capacity(), std::memory_order_relaxed);
  t.chunks.pop_front();
}

void fill_buffer::push(track& t, std::string_view bytes) {
  while (!bytes.empty()) {
    if (t.chunks.empty() || t.chunks.back()->bytes.size() == t.chunks.back()->bytes.capacity()) {
      boost::intrusive_ptr<chunk> fresh(new chunk);
      fresh->bytes.reserve(std::min(chunk_size, std::max<std::size_t>(bytes.size(), 1024)));
      fill_bytes_in_flight().fetch_add(fresh->bytes.capacity(), std::memory_order_relaxed);
      t.chunks.push_back(std::move(fresh));
    }
    auto& last = t.chunks.back()->bytes;
    const auto n = std::min(bytes.size(), last.capacity() - last.size());
    last.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    t.end += n;
  }
}

void fill_buffer::append(std::string_view bytes, bool flush_encoders) {
  std::lock_guard lock(mutex_);
  size_ += bytes.size();
  if (tracks_[0].active || !passing_ || !opened_) push(tracks_[0], bytes);
  for (std::size_t c = 1; c < tracks_.size(); ++c) {
    auto& t = tracks_[c];
    if (!t.active) continue;
    encoded_.clear();
    t.encoder->write(bytes, encoded_);
    if (flush_encoders) t.encoder->flush(encoded_);
    push(t, encoded_);
  }
  bound_tracks();
  wake_readers();
}

// Passing: no track may run away from its readers while another's reader lets the writer go on.
void fill_buffer::bound_tracks() {
  if (!passing_ || !opened_) return;
  const auto most = 4 * window + fastest_lag();  // a lone slow reader is waited for, not cut off
  for (std::uint8_t c = 0; c < tracks_.size(); ++c) {
    auto& t = tracks_[c];
    drop_read(t, c);
    while (t.end - t.base > most) drop_front(t);
    for (auto& r : readers_)
      if (r.used && r.coding == c && r.offset < t.base) r.cut_off = true;
  }
}

void fill_buffer::seal() {
  std::lock_guard lock(mutex_);
  end_encoders();
}

void fill_buffer::finish() {
  std::lock_guard lock(mutex_);
  end_encoders();
  state_ = fill_state::finished;
  wake_readers();
}

void fill_buffer::end_encoders() {
  for (std::size_t c = 1; c < tracks_.size(); ++c) {
    auto& t = tracks_[c];
    if (!t.active || !t.encoder) continue;
    encoded_.clear();
    t.encoder->finish(encoded_);
    push(t, encoded_);
    t.encoder.reset();
  }
  sealed_ = true;
}

void fill_buffer::abort() {
  std::lock_guard lock(mutex_);
  if (state_ == fill_state::open) state_ = fill_state::aborted;
  wake_readers();
}

void fill_buffer::set_trailers(std::string lines) {
  std::lock_guard lock(mutex_);
  trailers_ = std::move(lines);
}

void fill_buffer::disown() {
  std::lock_guard lock(mutex_);
  opened_ = true;
  if (passing_) writer_();
}

void fill_buffer::wake_readers() {
  for (const auto& r : readers_)
    if (r.used && (r.offset < tracks_[r.coding].end || state_ != fill_state::open)) r.wake();
}

void fill_buffer::set_passing() {
  std::lock_guard lock(mutex_);
  passing_ = true;
  // Identity bytes that no identity reader wants are of no use any more.
  for (std::uint8_t c = 0; c < tracks_.size(); ++c) drop_read(tracks_[c], c);
}

bool fill_buffer::passing() const {
  std::lock_guard lock(mutex_);
  return passing_;
}

std::uint64_t fill_buffer::fastest_lag() const {
  std::uint64_t least = UINT64_MAX;
  for (const auto& r : readers_)
    if (r.used && !r.cut_off && !r.ahead_of(tracks_[r.coding]))
      least = std::min(least, tracks_[r.coding].end - r.offset);
  if (least != UINT64_MAX) return least;
  return opened_ ? 0 : tracks_[0].end - tracks_[0].base;  // the first reader is still to come
}

bool fill_buffer::abandoned() const {
  std::lock_guard lock(mutex_);
  return passing_ && opened_ &&
         std::ranges::none_of(readers_, [](const auto& r) { return r.used && !r.cut_off; });
}

bool fill_buffer::must_wait() const {
  std::lock_guard lock(mutex_);
  return passing_ && fastest_lag() >= window;
}

void fill_buffer::set_writer(net::waker w) {
  std::lock_guard lock(mutex_);
  writer_ = std::move(w);
}

std::uint64_t fill_buffer::size() const {
  std::lock_guard lock(mutex_);
  return size_;
}

bool fill_buffer::open_reader(coding c, net::waker w, std::size_t& id, fill_span want) {
  std::lock_guard lock(mutex_);
  const auto index = static_cast<std::uint8_t>(c);
  auto& t = tracks_[index];
  if (t.base > want.first) return false;
  if (!t.active) {
    if (index > 0) {
      if (tracks_[0].base > 0 || (tracks_[0].end < size_)) return false;
      t.encoder = compress::make_encoder(c, compress::effort::fast);
      if (!t.encoder) return false;
      encoded_.clear();
      for (const auto& part : tracks_[0].chunks) t.encoder->write(part->bytes, encoded_);
      if (sealed_) {
        t.encoder->finish(encoded_);
        t.encoder.reset();
      }
      push(t, encoded_);
    } else if (t.end < size_) {
      return false;
    }
    t.active = true;
  }
  opened_ = true;
  for (id = 0; id < readers_.size() && readers_[id].used;) ++id;
  if (id == readers_.size()) readers_.emplace_back();
  readers_[id] = {true, false, index, want.first, want.end, std::move(w)};
  return true;
}

void fill_buffer::close_reader(std::size_t id) {
  std::lock_guard lock(mutex_);
  readers_[id].used = false;
  readers_[id].wake = {};
  if (passing_) writer_();
}

void fill_buffer::drop_read(track& t, std::uint8_t coding) {
  if (!passing_ || !opened_) return;
  // The fastest reader decides what may be dropped beyond the window; slower ones are cut off there.
  std::uint64_t fastest = t.base;
  std::uint64_t slowest = t.end;
  bool any = false;
  for (const auto& r : readers_) {
    if (!r.used || r.cut_off || r.coding != coding || r.ahead_of(t)) continue;
    any = true;
    fastest = std::max(fastest, r.offset);
    slowest = std::min(slowest, r.offset);
  }
  const auto keep_from =
      any ? std::max(slowest, fastest > 4 * window ? fastest - 4 * window : 0) : t.end;
  while (!t.chunks.empty() && t.base + t.chunks.front()->bytes.size() <= keep_from) drop_front(t);
  for (auto& r : readers_)
    if (r.used && r.coding == coding && r.offset < t.base) r.cut_off = true;
}

fill_state fill_buffer::next(std::size_t id, std::vector<piece>& out, std::size_t max_pieces) {
  std::lock_guard lock(mutex_);
  auto& r = readers_[id];
  auto& t = tracks_[r.coding];
  if (r.cut_off) return fill_state::aborted;
  std::uint64_t at = t.base;
  for (const auto& c : t.chunks) {
    if (at >= r.until) break;
    const auto size = c->bytes.size();
    if (at + size > r.offset) {
      if (max_pieces-- == 0) break;
      const auto to = std::min(at + size, r.until);
      const std::string_view all(c->bytes);
      out.push_back({c, all.substr(r.offset - at, to - r.offset)});
      r.offset = to;
    }
    at += size;
  }
  if (passing_) {
    drop_read(t, r.coding);
    if (r.coding != 0) drop_read(tracks_[0], 0);
    writer_();
  }
  if (r.offset >= r.until) return fill_state::finished;
  if (r.offset < t.end) return fill_state::open;
  return state_;
}

std::size_t fill_buffer::readers() const {
  std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(readers_, [](const auto& r) { return r.used; }));
}

std::uint64_t fill_buffer::content_hash() const {
  std::lock_guard lock(mutex_);
  hash_stream hash;
  for (const auto& part : tracks_[0].chunks) hash.add(part->bytes);
  return hash.digest();
}

std::array<body_ptr, compress::coding_count> fill_buffer::take_bodies() {
  std::lock_guard lock(mutex_);
  std::array<body_ptr, compress::coding_count> out;
  std::vector<std::string_view> parts;
  for (std::size_t c = 0; c < tracks_.size(); ++c) {
    const auto& t = tracks_[c];
    if (c > 0 && !t.active) continue;
    parts.clear();
    for (const auto& part : t.chunks) parts.emplace_back(part->bytes);
    out[c] = body_data::make(parts);
  }
  return out;
}

}  // namespace fairing::http
