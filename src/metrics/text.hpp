// text: the Prometheus text exposition format 0.0.4 of a registry, and its rules for names.
//
// Flow:  registry::render() -> render_text(impl)
// Threads: any. Takes the registry's mutex to copy sums, not while callbacks run.
// Source: prometheus.io, "Exposition formats", text format 0.0.4.
#pragma once

#include <string>
#include <string_view>

namespace fairing::metrics::detail {

struct registry_impl;

[[nodiscard]] bool valid_name(std::string_view name) noexcept;        // [a-zA-Z_:][a-zA-Z0-9_:]*
[[nodiscard]] bool valid_label_name(std::string_view name) noexcept;  // the same without colons
[[nodiscard]] std::string render_text(const registry_impl& impl);

}  // namespace fairing::metrics::detail
