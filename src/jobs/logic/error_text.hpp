// error_text: what two failures have in common, so that a million failures are a dozen lines on a page.
//
// Problem: messages bear ids, numbers, addresses and quoted values; grouped as they are, each would be a group of its
// own.
//
// Flow:  s.count_failure(j, normalised(error), now.wall_ms);
// Bounds: the first line, 200 characters. Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace fairing::jobs {

// Numbers become N, hexadecimal ids and UUIDs ID, quoted texts "...", runs of white space one blank:
// `user 4711 "bob": 3fa85f64-5717-4562-b3fc-2c963f66afa6` -> `user N "...": ID`.
[[nodiscard]] std::string normalised(std::string_view error);

}  // namespace fairing::jobs
