// temporary_cluster: a PostgreSQL of its own for one test program: made in a temporary folder, reached by a unix socket there.
//
// Problem: the store is tested on a real server, and tests neither share one nor need one that somebody has set up.
//
// Flow:  auto& pg = temporary_cluster::get();      // the first call makes it; it goes with the program
//        open_postgres({.url = pg.url("fresh")});    // a database of that name, made if need be
//        pg.execute("fresh", "SELECT ...");   pg.restart();
// Run as root it runs as the user postgres, which PostgreSQL wants. fsync is off. Threads: one.
#pragma once

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "jobs/store/postgres/session.hpp"

namespace fairing::jobs::test {

class temporary_cluster {
 public:
  static temporary_cluster& get() {
    static temporary_cluster one;
    return one;
  }
  ~temporary_cluster() {
    halt(SIGQUIT);
    std::filesystem::remove_all(folder_);
  }
  temporary_cluster(const temporary_cluster&) = delete;
  temporary_cluster& operator=(const temporary_cluster&) = delete;

  std::string url(const std::string& database) {
    if (databases_.insert(database).second) execute("postgres", "CREATE DATABASE " + database);
    return address(database);
  }
  // The first column of the first row, as text.
  std::string execute(const std::string& database, const std::string& sql) {
    auto s = postgres::session::open(address(database), "test");
    EXPECT_TRUE(s) << s.error().message();
    if (!s) return {};
    const auto r = s->execute(sql);
    EXPECT_TRUE(r) << sql << ": " << r.error().message();
    return r && r->size() > 0 ? std::string(r->bytes(0, 0)) : std::string();
  }
  // SIGINT: sessions are told; SIGQUIT: they are not.
  void halt(int how) {
    if (server_ <= 0) return;
    ::kill(server_, how);
    int status = 0;
    ::waitpid(server_, &status, 0);
    server_ = 0;
  }
  void launch() {
    server_ = run({programs_ + "/postgres", "-D", data(), "-c", "listen_addresses=", "-c",
                   "unix_socket_directories=" + folder_.string(), "-c", "fsync=off", "-c",
                   "log_min_messages=warning"});
    for (int i = 0; i < 600; ++i) {
      if (postgres::session::open(address("postgres"), "test")) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    ADD_FAILURE() << "PostgreSQL did not start";
  }

 private:
  temporary_cluster() {
    std::string pattern = std::filesystem::temp_directory_path() / "fairing-pg-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql"))
      programs_ = std::max(programs_, (version.path() / "bin").string());
    if (::geteuid() == 0) owner_ = ::getpwnam("postgres");
    if (owner_ != nullptr) EXPECT_EQ(::chown(folder_.c_str(), owner_->pw_uid, owner_->pw_gid), 0);
    int status = 0;
    ::waitpid(run({programs_ + "/initdb", "-D", data(), "-U", "postgres", "-A", "trust", "-N", "-E",
                   "UTF8", "--locale=C"}),
              &status, 0);
    EXPECT_EQ(status, 0) << "initdb: apt-get install postgresql";
    launch();
  }
  [[nodiscard]] std::string data() const { return folder_ / "data"; }
  [[nodiscard]] std::string address(const std::string& database) const {
    return "postgres://postgres@/" + database + "?host=" + folder_.string();
  }
  // No server outlives a killed test.
  pid_t run(const std::vector<std::string>& words) const {
    std::vector<char*> argv;
    for (const auto& w : words) argv.push_back(const_cast<char*>(w.c_str()));
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (owner_ != nullptr && (::setgid(owner_->pw_gid) != 0 || ::setuid(owner_->pw_uid) != 0))
      ::_exit(1);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::chdir(folder_.c_str()) != 0 ||
        std::freopen((folder_ / "log").c_str(), "a", stdout) == nullptr ||
        std::freopen((folder_ / "log").c_str(), "a", stderr) == nullptr)
      ::_exit(1);
    ::execv(argv[0], argv.data());
    ::_exit(1);
  }

  std::filesystem::path folder_;
  std::string programs_;
  const passwd* owner_ = nullptr;
  std::set<std::string> databases_;
  pid_t server_ = 0;
};

}  // namespace fairing::jobs::test
