#include <gtest/gtest.h>

#include "compress/encoder.hpp"

namespace fairing::compress {
namespace {

TEST(compressible_type, text_and_structured_types) {
  for (const char* type : {"text/html", "TEXT/HTML; charset=utf-8", "text/css", "application/json",
                           "application/json;charset=utf-8", " application/json ; x=y",
                           "application/problem+json", "application/vnd.api+JSON", "image/svg+xml",
                           "application/javascript", "application/atom+xml", "application/wasm",
                           "font/ttf", "font/otf", "application/x-ndjson", "image/bmp"})
    EXPECT_TRUE(compressible_type(type)) << type;
}

TEST(compressible_type, what_is_compressed_already_or_unknown_is_left) {
  for (const char* type : {"",
                           ";",
                           "text/",
                           "text",
                           "image/png",
                           "image/jpeg",
                           "image/webp",
                           "image/avif",
                           "video/mp4",
                           "audio/mpeg",
                           "application/zip",
                           "application/gzip",
                           "application/octet-stream",
                           "font/woff",
                           "font/woff2",
                           "application/pdf",
                           "text/event-stream",
                           "text/event-stream;charset=utf-8",
                           "application/grpc",
                           "+json",
                           "application/jsonx",
                           "multipart/form-data"})
    EXPECT_FALSE(compressible_type(type)) << type;
}

}  // namespace
}  // namespace fairing::compress
