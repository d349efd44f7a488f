#include "jobs/session/forms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "base/json_scan.hpp"
#include "base/timestamp.hpp"

namespace fairing::jobs {
namespace {

using codec::http1::field;
using codec::http1::request_head;

constexpr std::size_t most_jobs = 1'000;

// The members of an object, read one by one; the first fault is kept.
class object_reader {
 public:
  explicit object_reader(std::string_view text) : text_(text) {}

  template <class F>
  result<void> each(F&& f) {
    const bool object = json_members(text_, [&](std::string_view key, std::string_view value) {
      if (value != "null" && !f(key, value)) fault("`{}` is not known here", key);
      return fault_.empty();
    });
    if (!fault_.empty()) return fail(errc::bad_request, fault_);
    if (!object) return fail(errc::bad_request, "the body must be a JSON object");
    return {};
  }

  bool take(std::string_view key, std::string_view value, std::string& out) {
    auto text = json_string(value);
    if (!text) return fault("`{}` must be a string", key);
    out = std::move(*text);
    return true;
  }
  bool take(std::string_view key, std::string_view value, bool& out) {
    const auto b = json_boolean(value);
    if (!b) return fault("`{}` must be true or false", key);
    out = *b;
    return true;
  }
  bool take(std::string_view key, std::string_view value, std::uint64_t& out) {
    const auto n = json_integer(value);
    if (!n || *n < 0) return fault("`{}` must be a whole number, not below 0", key);
    out = static_cast<std::uint64_t>(*n);
    return true;
  }
  bool take(std::string_view key, std::string_view value, milliseconds& out) {
    const auto text = json_string(value);
    const auto d = read_duration(text ? std::string_view(*text) : value);
    if (!d) return fault("`{}` must be seconds (30) or a duration (\"5m\")", key);
    out = *d;
    return true;
  }
  bool take(std::string_view key, std::string_view value, std::optional<milliseconds>& out) {
    return take(key, value, out.emplace());
  }
  // Always true: the member is known, and wrong.
  template <class... Args>
  bool fault(fmt::format_string<Args...> text, Args&&... args) {
    if (fault_.empty()) fault_ = fmt::format(text, std::forward<Args>(args)...);
    return true;
  }

 private:
  std::string_view text_;
  std::string fault_;
};

std::string_view trimmed(std::string_view s) noexcept {
  while (!s.empty() && static_cast<unsigned char>(s.front()) <= ' ') s.remove_prefix(1);
  while (!s.empty() && static_cast<unsigned char>(s.back()) <= ' ') s.remove_suffix(1);
  return s;
}

// An absent body is an empty object.
result<std::string_view> object_of(std::string_view body) {
  body = trimmed(body);
  if (body.empty()) return std::string_view("{}");
  if (!json_valid(body)) return fail(errc::bad_request, "the body is not JSON");
  return body;
}

bool read_ladder(object_reader& in, std::string_view value, std::vector<milliseconds>& out) {
  const bool list = json_elements(value, [&](std::string_view step) {
    in.take("attempts", step, out.emplace_back());
    return out.size() <= 32;
  });
  if (!list || out.empty()) in.fault("`attempts` must be a list of 1 to 32 durations");
  return true;
}

result<void> read_one(std::string_view object, new_job& out, std::string* queue = nullptr) {
  object_reader in(object);
  bool payload = false;
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key == "payload") {
      payload = true;
      out.payload = value;
      return true;
    }
    if (key == "delay") return in.take(key, value, out.delay);
    if (key == "timeout") return in.take(key, value, out.timeout);
    if (key == "unique_for") return in.take(key, value, out.unique_for);
    if (key == "key") return in.take(key, value, out.key);
    if (key == "unique") return in.take(key, value, out.unique);
    if (key == "attempts") return read_ladder(in, value, out.attempts);
    if (key == "queue" && queue != nullptr) return in.take(key, value, *queue);
    if (key == "priority") {
      const auto n = json_integer(value);
      if (!n || *n < -100 || *n > 100) return in.fault("`priority` must be from -100 to 100");
      out.priority = static_cast<std::int16_t>(*n);
      return true;
    }
    if (key == "run_at") {
      const auto text = json_string(value);
      out.run_at_ms = text ? parse_rfc3339(*text) : std::nullopt;
      if (!out.run_at_ms) in.fault("`run_at` must be a time as in RFC 3339: 2026-11-22T10:00:00Z");
      return true;
    }
    return false;
  });
  if (r && !payload) out.payload = "null";
  return r;
}

bool is_media_type(std::string_view value, std::string_view type) noexcept {
  return iequals(trim_ows(value.substr(0, value.find(';'))), type);
}

// A CloudEvent's attributes become fields of the job; its id is what makes it unique for a day.
void add_attribute(new_job& out, std::string_view name, std::string_view value) {
  if (name == "traceparent") {
    out.trace = trace_of(value);
    out.fields.emplace_back("traceparent", value);
    return;
  }
  out.fields.emplace_back("ce-" + std::string(name), value);
}

result<void> finish_event(new_job& out) {
  std::string_view id;
  std::string_view source;
  std::string_view version;
  std::string_view type;
  for (const auto& [name, value] : out.fields) {
    if (name == "ce-id") id = value;
    if (name == "ce-source") source = value;
    if (name == "ce-type") type = value;
    if (name == "ce-specversion") version = value;
  }
  if (version != "1.0") return fail(errc::bad_request, "a CloudEvent needs specversion 1.0");
  if (id.empty() || source.empty() || type.empty())
    return fail(errc::bad_request, "a CloudEvent needs id, source and type");
  // Source and id name an event (CloudEvents §3.1): the same one sent again makes no second job.
  out.unique = fmt::format("ce:{:016x}", hash64(fmt::format("{}\n{}", source, id), 11));
  out.unique_for = milliseconds{86'400'000};
  return {};
}

result<void> read_structured_event(std::string_view body, new_job& out) {
  object_reader in(body);
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key == "data") {
      out.payload = value;
    } else if (key == "data_base64") {
      return in.fault("`data_base64` is not taken; send the event in binary mode");
    } else if (key == "datacontenttype") {
      return in.take(key, value, out.content_type);
    } else {
      const auto text = json_string(value);
      add_attribute(out, key, text ? std::string_view(*text) : value);
    }
    return true;
  });
  if (!r) return r;
  if (out.payload.empty()) out.payload = "null";
  // Data of another type than JSON stands in the event as a string.
  if (out.content_type != "application/json" && !out.content_type.ends_with("+json"))
    if (auto text = json_string(out.payload)) out.payload = std::move(*text);
  return finish_event(out);
}

result<void> read_event_batch(std::string_view body, enqueue_form& out) {
  out.single = false;
  error inner;
  const bool list = json_elements(body, [&](std::string_view one) {
    if (out.what.jobs.size() == most_jobs) return false;
    if (auto read = read_structured_event(one, out.what.jobs.emplace_back()); !read) {
      inner = read.error();
      inner.detail = fmt::format("event {}: {}", out.what.jobs.size() - 1, inner.message());
      return false;
    }
    return true;
  });
  if (inner.code) return std::unexpected(inner);
  if (!list || out.what.jobs.empty())
    return fail(errc::bad_request, "the body must be a list of 1 to 1000 events");
  return {};
}

result<void> read_binary_event(const request_head& head, std::string_view body, new_job& out) {
  for (const auto& h : head.headers) {
    if (h.name.size() <= 3 || !iequals(h.name.substr(0, 3), "ce-")) continue;
    std::string name;
    for (const char c : h.name.substr(3))
      name += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    add_attribute(out, name, h.value);
  }
  out.content_type = head.get(field::content_type);
  out.payload = body;
  return finish_event(out);
}

result<void> read_batch(std::string_view body, enqueue_form& out) {
  object_reader in(body);
  error inner;
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key == "jobs") {
      out.single = false;
      out.what.jobs.clear();
      const bool list = json_elements(value, [&](std::string_view one) {
        if (out.what.jobs.size() == most_jobs) return false;
        if (auto read = read_one(one, out.what.jobs.emplace_back()); !read) {
          inner = read.error();
          inner.detail = fmt::format("jobs[{}]: {}", out.what.jobs.size() - 1, inner.message());
          return false;
        }
        return true;
      });
      if (inner.code) return in.fault("{}", inner.detail);
      if (!list || out.what.jobs.empty()) in.fault("`jobs` must be a list of 1 to 1000 jobs");
      return true;
    }
    if (key == "on_complete") {
      auto read = read_one(value, out.what.on_complete.emplace(), &out.what.on_complete_queue);
      if (!read) in.fault("on_complete: {}", read.error().message());
      return true;
    }
    return false;
  });
  if (!r) return r;
  if (out.what.on_complete && out.what.on_complete_queue.empty())
    out.what.on_complete_queue = out.what.queue;
  return r;
}

bool has_member(std::string_view object, std::string_view name) {
  bool found = false;
  json_members(object, [&](std::string_view key, std::string_view) {
    found = key == name;
    return !found;
  });
  return found;
}

constexpr std::size_t longest_key = 200;

// What Idempotency-Key says, without the quotes that make it a string (RFC 9651); empty: there is none.
result<std::string> read_key(const request_head& head) {
  std::string out;
  for (const auto& h : head.headers) {
    if (!iequals(h.name, "Idempotency-Key")) continue;
    auto key = h.value;
    if (key.size() >= 2 && key.starts_with('"') && key.ends_with('"'))
      key = key.substr(1, key.size() - 2);
    const bool printable = std::ranges::all_of(key, [](char c) { return c >= ' ' && c < 0x7f; });
    if (!out.empty() || key.empty() || key.size() > longest_key || !printable)
      return fail(errc::bad_request,
                  "Idempotency-Key is one field of 1 to 200 printable ASCII characters");
    out = key;
  }
  return out;
}

// Of what the key stands for. An event in binary mode is in its fields as well as in its body.
std::string fingerprint_of(const request_head& head, std::string_view body, bool event) {
  std::uint64_t seed = 13;
  if (event) {
    std::string text(head.get(field::content_type));
    for (const auto& h : head.headers)
      if (h.name.size() > 3 && iequals(h.name.substr(0, 3), "ce-"))
        text.append(1, '\n').append(h.name.substr(3)).append(1, '=').append(h.value);
    seed = hash64(text, seed);
  }
  return fmt::format("{:016x}", hash64(body, seed));
}

// One key, a name of it for each job: what differs in the number of jobs differs in the first one's fingerprint. The line
// break cannot be in a key.
void name_by_key(enqueue_form& form, const std::string& key, const std::string& fingerprint) {
  const auto name = [&](new_job& j, std::string text) {
    j.idempotency_key = std::move(text);
    j.idempotency_scope = form.what.queue;
    j.fingerprint = fingerprint;
  };
  for (std::size_t i = 0; i < form.what.jobs.size(); ++i)
    name(form.what.jobs[i], i == 0 ? key : fmt::format("{}\n{}", key, i));
  if (form.what.on_complete) name(*form.what.on_complete, key + "\non_complete");
}

result<void> read_json_enqueue(std::string_view body, enqueue_form& out) {
  if (trimmed(body).empty())
    return fail(errc::bad_request, "the body is empty; a job without a payload is {}");
  const auto object = object_of(body);
  if (!object) return std::unexpected(object.error());
  if (has_member(*object, "jobs")) return read_batch(*object, out);
  return read_one(*object, out.what.jobs.emplace_back());
}

}  // namespace

std::optional<milliseconds> read_duration(std::string_view text) noexcept {
  if (const auto seconds = json_integer(text);
      seconds && *seconds >= 0 && *seconds <= 3'153'600'000)
    return milliseconds{*seconds * 1000};
  return parse_duration(text);
}

result<enqueue_form> read_enqueue(std::string_view queue, const request_head& head,
                                  std::string_view body) {
  enqueue_form out;
  out.what.queue = queue;
  const auto type = head.get(field::content_type);
  const auto key = read_key(head);
  if (!key) return std::unexpected(key.error());
  bool event = true;
  const auto read = [&]() -> result<void> {
    if (is_media_type(type, "application/cloudevents+json")) {
      if (!json_valid(body)) return fail(errc::bad_request, "the event is not JSON");
      return read_structured_event(body, out.what.jobs.emplace_back());
    }
    if (is_media_type(type, "application/cloudevents-batch+json")) {
      if (!json_valid(body)) return fail(errc::bad_request, "the events are not JSON");
      return read_event_batch(body, out);
    }
    if (head.find("ce-specversion") != nullptr)
      return read_binary_event(head, body, out.what.jobs.emplace_back());
    if (type.empty() || is_media_type(type, "application/json") ||
        is_media_type(type, "application/x-www-form-urlencoded")) {  // what curl -d says
      event = false;
      return read_json_enqueue(body, out);
    }
    return fail(errc::unsupported, fmt::format("`{}` is neither JSON nor a CloudEvent", type));
  }();
  if (!read) return std::unexpected(read.error());
  const auto parent = head.get(field::traceparent);
  for (auto& j : out.what.jobs)
    if (!parent.empty() && j.trace.empty()) {
      j.trace = trace_of(parent);
      j.fields.emplace_back("traceparent", parent);
    }
  if (!key->empty()) name_by_key(out, *key, fingerprint_of(head, body, event));
  return out;
}

result<lease_form> read_lease(std::string_view body) {
  const auto object = object_of(body);
  if (!object) return std::unexpected(object.error());
  lease_form out;
  std::uint64_t most = 1;
  object_reader in(*object);
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key == "max") {
      in.take(key, value, most);
      if (most < 1 || most > 100) in.fault("`max` must be from 1 to 100");
      return true;
    }
    if (key == "wait") return in.take(key, value, out.wait);
    if (key == "lease") {
      in.take(key, value, out.length);
      if (out.length->count() <= 0 || *out.length > milliseconds{86'400'000})
        in.fault("`lease` must be over 0 and at most 24h");
      return true;
    }
    return false;
  });
  if (!r) return std::unexpected(r.error());
  out.most = static_cast<std::size_t>(most);
  out.wait = std::min(out.wait, longest_wait);
  return out;
}

result<ack> read_ack(const lease_token& t, const request_head& head, std::string_view body) {
  ack out{.token = t};
  const auto type = head.get(field::content_type);
  const bool json = type.empty() || is_media_type(type, "application/json") ||
                    is_media_type(type, "application/x-www-form-urlencoded");
  if (!json) {  // the body is the result
    out.result = body;
    out.result_type = type;
    return out;
  }
  const auto object = object_of(body);
  if (!object) return std::unexpected(object.error());
  object_reader in(*object);
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key != "result") return false;
    out.result = value;
    out.result_type = "application/json";
    return true;
  });
  if (!r) return std::unexpected(r.error());
  return out;
}

result<fail_job> read_fail(const lease_token& t, std::string_view body) {
  const auto object = object_of(body);
  if (!object) return std::unexpected(object.error());
  fail_job out{.token = t};
  object_reader in(*object);
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key == "error") return in.take(key, value, out.error);
    if (key == "retry_after") return in.take(key, value, out.retry_after);
    if (key == "dead") return in.take(key, value, out.dead);
    if (key == "release") return in.take(key, value, out.release);
    return false;
  });
  if (!r) return std::unexpected(r.error());
  if (out.error.empty()) out.error = "failed";
  return out;
}

result<extend> read_extend(const lease_token& t, std::string_view body) {
  const auto object = object_of(body);
  if (!object) return std::unexpected(object.error());
  extend out{.token = t, .length = milliseconds{0}};
  object_reader in(*object);
  auto r = in.each([&](std::string_view key, std::string_view value) {
    return key == "lease" && in.take(key, value, out.length);
  });
  if (!r) return std::unexpected(r.error());
  if (out.length.count() <= 0)
    return fail(errc::bad_request, "say how long from now: {\"lease\": \"30s\"}");
  return out;
}

result<progress> read_progress(const lease_token& t, std::string_view body) {
  const auto object = object_of(body);
  if (!object) return std::unexpected(object.error());
  progress out{.token = t, .text = {}};
  object_reader in(*object);
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key != "progress") return false;
    auto text = json_string(value);
    out.text = text ? std::move(*text) : std::string(value);
    return true;
  });
  if (!r) return std::unexpected(r.error());
  return out;
}

result<redrive> read_redrive(std::string_view queue, std::string_view body) {
  const auto object = object_of(body);
  if (!object) return std::unexpected(object.error());
  redrive out;
  out.queue = queue;
  object_reader in(*object);
  auto r = in.each([&](std::string_view key, std::string_view value) {
    if (key == "error") return in.take(key, value, out.error);
    if (key == "to") return in.take(key, value, out.to);
    if (key == "max") return in.take(key, value, out.most);
    if (key == "id") {
      const auto text = json_string(value);
      out.id = text ? id_from(*text) : std::nullopt;
      if (!out.id) in.fault("`id` must be the id of a job");
      return true;
    }
    if (key == "rate") {
      const auto text = json_string(value);
      out.pace = text ? parse_rate(*text) : std::nullopt;
      if (!out.pace) in.fault("`rate` must be like \"10/s\"");
      return true;
    }
    return false;
  });
  if (!r) return std::unexpected(r.error());
  return out;
}

}  // namespace fairing::jobs
