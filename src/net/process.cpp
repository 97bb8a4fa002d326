#include "net/process.hpp"

#include <nss.h>
#include <openssl/ssl.h>

#include <csignal>
#include <initializer_list>

namespace footman::net {

void init_process() {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  __nss_configure_lookup("hosts", "files dns");
  for (const char* database : {"passwd", "group", "services"}) __nss_configure_lookup(database, "files");
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace footman::net
