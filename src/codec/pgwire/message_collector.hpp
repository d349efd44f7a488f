// message_collector: the whole of one message, in place where it can be, in a bounded copy else.
//
// Problem: a few messages must be seen whole (Parse, Bind, Query, ErrorResponse, ParameterStatus)
// although they may be split over reads; one that is over the limit must be passed on in parts, not
// kept, and not lost.
//
// Flow:
//   switch (collector.add(f)) {             // f: from frame_scanner::next, every part of it
//     case collect_status::whole:    use(f.type, collector.message()); collector.clear();
//     case collect_status::need_more: nothing to forward yet: the parts are kept
//     case collect_status::too_long: forward collector.message() (what was kept), then f.bytes and
//                                    the parts that follow: they all answer `too_long`, and kept
//                                    is empty from the second on
//   }
//
// Lifecycle: one a direction and connection. message() is valid until the next call, or, for a
// message that came whole, as long as the bytes it lies in. The storage is the caller's and keeps
// its capacity; clear() gives up what is over 16 KiB.
// Threads: the connection's. Cost: nothing for a message that lies in one read; one copy else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "codec/pgwire/frame_scanner.hpp"

namespace fairing::codec::pgwire {

enum class collect_status : std::uint8_t {
  whole,      // message() is all of it
  need_more,  // the part was kept
  too_long,   // over the limit: this and the parts that follow are the caller's
};

class message_collector {
 public:
  // `max_bytes`: of a whole message, header included, that comes in more than one part. One that
  // lies in a single read is returned whatever its size: it costs nothing.
  message_collector(std::string& storage, std::size_t max_bytes) noexcept
      : storage_(&storage), max_bytes_(max_bytes) {}

  [[nodiscard]] collect_status add(const frame& f) {
    if (f.whole()) {
      message_ = f.bytes;
      return collect_status::whole;
    }
    if (f.starts) {
      storage_->clear();
      streaming_ = false;
    }
    if (streaming_) {
      message_ = {};
      return collect_status::too_long;
    }
    if (f.size > max_bytes_ || storage_->size() + f.bytes.size() > max_bytes_) {
      streaming_ = true;
      message_ = *storage_;
      return collect_status::too_long;
    }
    if (storage_->empty() && f.size != 0) storage_->reserve(f.size);
    storage_->append(f.bytes);
    if (!f.ends) return collect_status::need_more;
    message_ = *storage_;
    return collect_status::whole;
  }
  [[nodiscard]] std::string_view message() const noexcept { return message_; }
  [[nodiscard]] std::string_view body() const noexcept {
    return message_.size() < header_bytes ? std::string_view{} : message_.substr(header_bytes);
  }
  void clear() noexcept {
    message_ = {};
    if (storage_->capacity() > kept_capacity) {
      std::string().swap(*storage_);
    } else {
      storage_->clear();
    }
  }

 private:
  static constexpr std::size_t kept_capacity = 16 * 1024;
  std::string* storage_;
  std::size_t max_bytes_;
  std::string_view message_;
  bool streaming_ = false;  // the message that is open is over the limit
};

}  // namespace fairing::codec::pgwire
