#include "bench/lg/response_reader.hpp"

#include <algorithm>
#include <charconv>

namespace fairing::bench {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// `name` is lower-case.
bool has_name(std::string_view line, std::string_view name) noexcept {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  return std::equal(name.begin(), name.end(), line.begin(),
                    [](char a, char b) { return a == lower(b); });
}

bool contains(std::string_view text, std::string_view wanted) noexcept {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

std::string_view value_of(std::string_view line, std::size_t name_size) noexcept {
  line.remove_prefix(name_size + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::size_t response_reader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && step_ != step::done && step_ != step::failed) {
    const auto rest = bytes.substr(used);
    switch (step_) {
      case step::head:
        used += feed_head(rest);
        break;
      case step::sized_body:
      case step::chunk_data:
        used += feed_counted(rest);
        break;
      case step::chunk_size:
      case step::trailers:
        used += feed_line(rest);
        break;
      case step::until_eof:
        body_bytes_ += rest.size();
        used += rest.size();
        break;
      case step::done:
      case step::failed:
        break;
    }
  }
  return used;
}

void response_reader::skip_body(std::uint64_t n) {
  left_ -= n;
  body_bytes_ += n;
  if (left_ == 0) step_ = step::done;
}

bool response_reader::at_eof() {
  if (step_ != step::until_eof) return false;
  step_ = step::done;
  return true;
}

void response_reader::restart() {
  pending_.clear();
  left_ = 0;
  body_bytes_ = 0;
  status_ = 0;
  step_ = step::head;
  chunked_ = sized_ = will_close_ = false;
  as_expected_ = true;
}

std::size_t response_reader::feed_head(std::string_view bytes) {
  if (pending_.empty()) {
    if (const auto end = bytes.find("\r\n\r\n"); end != bytes.npos) {
      read_head(bytes.substr(0, end + 2));
      return end + 4;
    }
    pending_.assign(bytes);
    if (pending_.size() > head_limit) step_ = step::failed;
    return bytes.size();
  }
  const std::size_t before = pending_.size();
  const std::size_t from = before < 3 ? 0 : before - 3;
  pending_.append(bytes);
  const auto end = pending_.find("\r\n\r\n", from);
  if (end == pending_.npos) {
    if (pending_.size() > head_limit) step_ = step::failed;
    return bytes.size();
  }
  const std::string head = pending_.substr(0, end + 2);
  pending_.clear();
  read_head(head);
  return end + 4 - before;
}

void response_reader::read_head(std::string_view head) {
  if (!head.starts_with("HTTP/1.") || head.size() < 14) {
    step_ = step::failed;
    return;
  }
  const auto [end, error] = std::from_chars(head.data() + 9, head.data() + 12, status_);
  if (error != std::errc{} || end != head.data() + 12) {
    step_ = step::failed;
    return;
  }
  will_close_ = head[7] == '0';
  if (!expected_.empty()) as_expected_ = contains(head, expected_);
  auto at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const auto stop = head.find("\r\n", at);
    read_field(head.substr(at, stop - at));
    at = stop + 2;
  }
  if (step_ == step::failed) return;
  if (status_ >= 100 && status_ < 200) {  // an interim answer: the real one follows
    restart();
  } else if (head_only_ || status_ == 204 || status_ == 304) {
    step_ = step::done;
  } else if (chunked_) {
    step_ = step::chunk_size;
  } else if (sized_) {
    step_ = left_ == 0 ? step::done : step::sized_body;
  } else {
    will_close_ = true;
    step_ = step::until_eof;
  }
}

void response_reader::read_field(std::string_view line) {
  if (has_name(line, "content-length")) {
    const auto value = value_of(line, 14);
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), left_);
    if (error != std::errc{} || end != value.data() + value.size()) step_ = step::failed;
    sized_ = true;
  } else if (has_name(line, "transfer-encoding")) {
    chunked_ = contains(value_of(line, 17), "chunked");
  } else if (has_name(line, "connection")) {
    will_close_ = will_close_ || contains(value_of(line, 10), "close");
  }
}

std::size_t response_reader::feed_line(std::string_view bytes) {
  const auto end = bytes.find('\n');
  const auto taken = end == bytes.npos ? bytes.size() : end + 1;
  pending_.append(bytes.substr(0, taken));
  if (pending_.size() > line_limit) {
    step_ = step::failed;
    return taken;
  }
  if (end == bytes.npos) return taken;
  if (step_ == step::trailers) {
    if (pending_ == "\r\n" || pending_ == "\n") step_ = step::done;
  } else {
    read_chunk_size();
  }
  pending_.clear();
  return taken;
}

void response_reader::read_chunk_size() {
  std::uint64_t size = 0;
  const auto [end, error] =
      std::from_chars(pending_.data(), pending_.data() + pending_.size(), size, 16);
  if (error != std::errc{} || end == pending_.data()) {
    step_ = step::failed;
  } else if (size == 0) {
    step_ = step::trailers;
  } else {
    body_bytes_ += size;
    left_ = size + 2;
    step_ = step::chunk_data;
  }
}

std::size_t response_reader::feed_counted(std::string_view bytes) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= taken;
  if (step_ == step::sized_body) {
    body_bytes_ += taken;
    if (kept_ != nullptr) kept_->append(bytes.substr(0, taken));
  }
  if (left_ == 0) step_ = step_ == step::sized_body ? step::done : step::chunk_size;
  return taken;
}

}  // namespace fairing::bench
