// mysql_connection: a blocking connection to MySQL or MariaDB for advice.
//
// Flow:  auto u = parse_mysql_url("mysql://app:secret@127.0.0.1:3306/shop?socket=/run/my.sock");
//        auto c = mysql_connection::open(*u);
//        auto rows = c->query("SELECT ..");   rows->at(0).at(1)
// The session is read only with a time limit a statement; several statements in one text are refused.
// Lifecycle: closed by its destructor. Threads: one; blocks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "advise/indexes/catalogue.hpp"
#include "app/advise/postgres_connection.hpp"
#include "base/result.hpp"

struct st_mysql;

namespace fairing::app::advise {

struct mysql_url {
  std::string user, password, host = "127.0.0.1", database, socket;
  unsigned port = 3306;
};
// mysql:// or mariadb://; parts may be percent-encoded; ?socket=PATH.
[[nodiscard]] result<mysql_url> parse_mysql_url(std::string_view text);

class mysql_connection {
 public:
  using rows = std::vector<std::vector<std::string>>;  // NULL is empty

  [[nodiscard]] static result<mysql_connection> open(const mysql_url& url);
  [[nodiscard]] result<rows> query(const std::string& sql);
  [[nodiscard]] fairing::advise::indexes::dialect kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  [[nodiscard]] std::string quoted(std::string_view text) const;  // as a string literal

 private:
  struct finish {
    void operator()(st_mysql* c) const noexcept;
  };
  explicit mysql_connection(st_mysql* c) : connection_(c) {}

  std::unique_ptr<st_mysql, finish> connection_;
  fairing::advise::indexes::dialect kind_ = fairing::advise::indexes::dialect::mysql;
  std::string version_;
};

}  // namespace fairing::app::advise
