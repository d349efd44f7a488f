// instance: one running Fairing: cores, planes, listeners, admin, reload and drain.
//
// Flow:  auto i = instance::start(config, source);  print i->listeners();  ... i->reload();  ... i->drain();
// Lifecycle: drain() returns when everything has ended or its time is over; the destructor stops the cores.
// Threads: start, drain, destructor: the main thread; reload: any, one at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "admin/views.hpp"
#include "app/config/config.hpp"
#include "app/config/source.hpp"
#include "base/result.hpp"

namespace fairing::app {

class instance {
 public:
  static result<std::unique_ptr<instance>> start(const config::config& c,
                                                 const config::config_source& source);
  ~instance();
  instance(const instance&) = delete;
  instance& operator=(const instance&) = delete;

  // Plane name to addresses, as the ready line prints them.
  [[nodiscard]] std::map<std::string, std::vector<std::string>> listeners() const;
  // Reads the configuration and the files it names again and switches to them, or keeps the old ones and says why. What
  // changed, a line each. The access log is opened anew.
  result<std::vector<std::string>> reload();
  void reopen_logs();
  void drain();

 private:
  struct parts;
  explicit instance(std::unique_ptr<parts> p);
  result<void> open(const config::config& c);
  result<void> open_admin(const config::config& c);
  admin::admin_views make_views();
  std::unique_ptr<parts> parts_;
};

}  // namespace fairing::app
