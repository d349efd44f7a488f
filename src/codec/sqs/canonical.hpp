// canonical: the text that a Signature Version 4 is made of.
//
// Problem: client and server must come to the same bytes whatever a library or a proxy did to order and case.
//
// Flow:  auto text = canonical_request(r, signed_names, payload_hash, skip);
//        string_to_sign("20150830T123600Z", scope, text);
// Threads: any. Cost: a sort of the query.
// Source: AWS "Create a signed AWS API request": canonical request; the path is normalised and encoded once more than on
// the wire, as for every service but S3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/sqs/sigv4.hpp"

namespace fairing::codec::sqs {

// Of a form or a query, decoded. nullopt: not decodable, or more than 1,000.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> query_parameters(
    std::string_view query);

[[nodiscard]] std::string canonical_path(std::string_view path);
// Without parameters of the name `skip`.
[[nodiscard]] std::string canonical_query(
    const std::vector<std::pair<std::string, std::string>>& parameters, std::string_view skip);
// All values of a header, trimmed, blanks in a row as one, joined by commas; nullopt: there is none.
[[nodiscard]] std::optional<std::string> canonical_header(const signed_request& r,
                                                          std::string_view name);
// `signed_headers` as the client listed them, "host;x-amz-date". nullopt: one of them is not there.
[[nodiscard]] std::optional<std::string> canonical_request(const signed_request& r,
                                                           std::string_view path,
                                                           std::string_view query,
                                                           std::string_view signed_headers,
                                                           std::string_view payload_hash);
[[nodiscard]] std::string string_to_sign(std::string_view date, std::string_view scope,
                                         std::string_view canonical);

}  // namespace fairing::codec::sqs
