// error_text: what two failures have in common, so that a million failures are a dozen lines on a page.
//
// Problem: messages bear ids, numbers, addresses and quoted values; grouped as they are, each would be a group of its
// own.
//
// Flow:  s.count_failure(j, normalised(error), now.wall_ms);
// A Python traceback is named by its exception, which comes last; any other error by its first line.
// Bounds: one line, 200 characters. Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairing::jobs {

// Numbers become N, hexadecimal ids and UUIDs ID, quoted texts "...", runs of white space one blank:
// `user 4711 "bob": 3fa85f64-5717-4562-b3fc-2c963f66afa6` -> `user N "...": ID`.
[[nodiscard]] std::string normalised(std::string_view error);
// At most so many bytes, without the line that names it being lost.
[[nodiscard]] std::string shortened(std::string_view error, std::size_t most);

}  // namespace fairing::jobs
