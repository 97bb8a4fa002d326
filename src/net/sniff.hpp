// The first bytes on the agent port decide the protocol.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/clock.hpp"
#include "runtime/stream.hpp"

namespace footman::net {

enum class SniffedProtocol {
  need_more,
  tls,            // a ClientHello: 16 03 0x
  http,           // a method name and a space
  java_remoting,  // 00 xx "Protocol:" – Java's length-prefixed string
  unknown,
};
std::string_view to_string(SniffedProtocol protocol);
// Pure. At most 16 bytes are ever needed.
SniffedProtocol sniff_protocol(std::string_view first_bytes);

struct Sniffed {
  SniffedProtocol protocol = SniffedProtocol::unknown;
  runtime::ByteStreamPtr stream;  // gives the bytes looked at back; accept_tls() takes it
};
// Reads until the protocol is known. Errors: timeout, io (ended before). The clock outlives the call.
runtime::Awaitable<base::Result<Sniffed>> sniff_stream(runtime::ByteStreamPtr stream, runtime::Clock& clock,
                                                       base::Duration timeout);

// A stream that first gives `bytes`, then what `inner` gives.
runtime::ByteStreamPtr give_back(std::string bytes, runtime::ByteStreamPtr inner);

}  // namespace footman::net
