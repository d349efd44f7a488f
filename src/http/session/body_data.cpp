#include "http/session/body_data.hpp"

namespace fairing::http {

body_ptr body_data::make(std::span<const std::string_view> parts) {
  std::size_t total = 0;
  for (const auto p : parts) total += p.size();
  boost::intrusive_ptr<body_data> made(new body_data);
  if (total > file_threshold) made->file_ = net::sealed_file::create(parts);
  if (!made->file_) {
    made->bytes_.reserve(total);
    for (const auto p : parts) made->bytes_ += p;
  }
  return made;
}

body_ptr body_data::make(std::string bytes) {
  const std::string_view one(bytes);
  return make(std::span<const std::string_view>(&one, 1));
}

std::string body_data::copy() const {
  if (!file_) return bytes_;
  std::string out(file_->size(), '\0');
  out.resize(file_->read(0, out));
  return out;
}

std::size_t body_data::cost_bytes() const noexcept {
  constexpr std::size_t page = 4096;
  constexpr std::size_t file_overhead = 1024;  // inode, dentry, file in the kernel
  if (file_) return (file_->size() + page - 1) / page * page + file_overhead + sizeof(*this);
  return (bytes_.capacity() + 16 + 15) / 16 * 16 + sizeof(*this) + 16;
}

}  // namespace fairing::http
