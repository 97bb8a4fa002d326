// What a program that uses the network does first in main.
#pragma once

namespace footman::net {

// Call once, before the first look-up, TLS context or thread. Does three things:
//  * OpenSSL reads no openssl.cnf: the configuration of a foreign image must not break TLS.
//  * Name service looks at files and DNS only: a static program must not load another image's glibc modules.
//  * SIGPIPE is ignored. Children inherit that: whoever starts a process sets its signals back to default.
void init_process();

}  // namespace footman::net
