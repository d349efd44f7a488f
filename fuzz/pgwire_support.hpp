// pgwire_support: what must hold for the messages of either direction, however their bytes come.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "codec/pgwire/frame_scanner.hpp"
#include "codec/pgwire/message_collector.hpp"
#include "fuzz/support.hpp"

namespace fairing::fuzz {

namespace pgwire = codec::pgwire;

struct messages_seen {
  std::string bytes;  // of the messages that ended, one after another
  std::size_t count = 0, rows = 0, ready = 0;
  pgwire::type_set types;
  pgwire::errc error = pgwire::errc::ok;
};

// Every part in a block of its own size, so that a byte read too far is seen.
template <class Steps>
messages_seen walk_messages(pgwire::direction d, std::string_view text, Steps next_step) {
  messages_seen out;
  pgwire::frame_scanner scanner(d);
  std::string storage;
  pgwire::message_collector collector(storage, text.size() + 1);
  while (!text.empty() && out.error == pgwire::errc::ok) {
    const auto slice = text.substr(0, next_step());
    text.remove_prefix(slice.size());
    const auto exact = std::make_unique<char[]>(slice.size());
    std::memcpy(exact.get(), slice.data(), slice.size());
    for (std::string_view rest(exact.get(), slice.size()); !rest.empty();) {
      pgwire::frame f;
      if (!scanner.next(rest, f)) {
        out.error = scanner.error();
        require(!scanner.describe_error().empty(), "a fault has its words");
        break;
      }
      require(!f.bytes.empty() && f.bytes.data() == rest.data(), "progress, in place");
      rest.remove_prefix(f.bytes.size());
      const auto status = collector.add(f);
      require((status == pgwire::collect_status::whole) == f.ends, "whole if and only if it ended");
      if (!f.ends) continue;
      require(collector.message().size() == f.size, "of the size that it said");
      out.bytes += collector.message();
      out.types.add(f.type);
      ++out.count;
      if (d == pgwire::direction::from_server) {
        if (f.type == 'D') ++out.rows;
        if (f.type == 'Z') ++out.ready;
      }
      collector.clear();
    }
  }
  return out;
}

// The same by scan(), which stops before messages of `stop` and leaves those to next().
template <class Steps>
messages_seen scan_messages(pgwire::direction d, std::string_view text, pgwire::type_set stop,
                            Steps next_step) {
  messages_seen out;
  pgwire::frame_scanner scanner(d);
  std::size_t offset = 0, end = 0;
  const auto whole = text;
  while (!text.empty() && out.error == pgwire::errc::ok) {
    auto rest = text.substr(0, next_step());
    text.remove_prefix(rest.size());
    while (!rest.empty()) {
      const auto p = scanner.scan(rest, stop);
      require(p.complete_bytes <= p.consumed && p.consumed <= rest.size(), "bounded");
      out.count += p.messages;
      out.rows += p.data_rows;
      out.ready += p.ready;
      out.types |= p.types;
      out.error = p.error;
      if (p.complete_bytes != 0) end = offset + p.complete_bytes;
      offset += p.consumed;
      rest.remove_prefix(p.consumed);
      if (rest.empty() || p.error != pgwire::errc::ok) break;
      pgwire::frame f;
      if (!scanner.next(rest, f)) {
        out.error = scanner.error();
        break;
      }
      require(stop.has(f.type), "stopped for what was wanted");
      offset += f.bytes.size();
      rest.remove_prefix(f.bytes.size());
      if (!f.ends) continue;
      end = offset;
      ++out.count;
      out.types.add(f.type);
      if (d == pgwire::direction::from_server && f.type == 'D') ++out.rows;
      if (d == pgwire::direction::from_server && f.type == 'Z') ++out.ready;
    }
  }
  require(scanner.offset() == offset, "the offset is what was taken");
  out.bytes = whole.substr(0, end);
  return out;
}

// Whole, in parts, and scanned: the same messages. Calls check(message) for each.
template <class Check>
void require_same_messages(pgwire::direction d, std::string_view text, Check check) {
  const auto all = [&] { return text.size(); };
  const auto whole = walk_messages(d, text, all);
  splitter steps(text);
  const auto split = walk_messages(d, text, [&] { return steps.next(); });
  const auto bytewise = walk_messages(d, text, [] { return std::size_t{1}; });
  const auto scanned = scan_messages(d, text, {}, all);
  pgwire::type_set some;
  if (!text.empty()) some.add(text.front());
  some.add('S');
  splitter other(text);
  const auto stopped = scan_messages(d, text, some, [&] { return other.next(); });
  for (const auto* seen : {&split, &bytewise, &scanned, &stopped}) {
    require(seen->bytes == whole.bytes, "the same messages");
    require(seen->error == whole.error, "the same fault");
    require(seen->count == whole.count && seen->rows == whole.rows && seen->ready == whole.ready &&
                seen->types == whole.types,
            "the same counts");
  }
  for (std::string_view rest = whole.bytes; !rest.empty();) {
    pgwire::frame_scanner scanner(d);
    pgwire::frame f;
    require(scanner.next(rest, f) && f.whole(), "messages one after another");
    check(f.bytes);
    rest.remove_prefix(f.bytes.size());
  }
}

}  // namespace fairing::fuzz
