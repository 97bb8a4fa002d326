#include "net/sniff.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <optional>

#include "net/deadline.hpp"
#include "net/sniff_stream.hpp"

namespace footman::net {
namespace {

constexpr std::size_t kMaxSniff = 16;

// Whether `bytes` is `whole`, starts with it, or may still become it.
enum class Match { no, maybe, yes };
Match match_start(std::string_view bytes, std::string_view whole) {
  const auto count = std::min(bytes.size(), whole.size());
  if (bytes.substr(0, count) != whole.substr(0, count)) return Match::no;
  return count == whole.size() ? Match::yes : Match::maybe;
}

Match match_http(std::string_view bytes) {
  auto best = Match::no;
  for (std::string_view method :
       {"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE "}) {
    best = std::max(best, match_start(bytes, method));
  }
  return best;
}

Match match_tls(std::string_view bytes) {
  const auto start = match_start(bytes, std::string_view("\x16\x03", 2));
  if (start != Match::yes) return start;
  if (bytes.size() < 3) return Match::maybe;
  return static_cast<unsigned char>(bytes[2]) <= 4 ? Match::yes : Match::no;
}

// Java's writeUTF: two bytes of length, then "Protocol:JNLP4-connect" and the like.
Match match_java(std::string_view bytes) {
  if (bytes.empty()) return Match::maybe;
  if (bytes[0] != 0) return Match::no;
  return bytes.size() <= 2 ? Match::maybe : match_start(bytes.substr(2), "Protocol:");
}

}  // namespace

std::string_view to_string(SniffedProtocol protocol) {
  switch (protocol) {
    case SniffedProtocol::need_more:
      return "need_more";
    case SniffedProtocol::tls:
      return "tls";
    case SniffedProtocol::http:
      return "http";
    case SniffedProtocol::java_remoting:
      return "java_remoting";
    case SniffedProtocol::unknown:
      return "unknown";
  }
  return "unknown";
}

SniffedProtocol sniff_protocol(std::string_view first_bytes) {
  const auto tls = match_tls(first_bytes);
  const auto http = match_http(first_bytes);
  const auto java = match_java(first_bytes);
  if (tls == Match::yes) return SniffedProtocol::tls;
  if (http == Match::yes) return SniffedProtocol::http;
  if (java == Match::yes) return SniffedProtocol::java_remoting;
  const bool open = tls == Match::maybe || http == Match::maybe || java == Match::maybe;
  return open ? SniffedProtocol::need_more : SniffedProtocol::unknown;
}

runtime::Awaitable<base::Result<Sniffed>> sniff_stream(runtime::ByteStreamPtr stream, runtime::Clock& clock,
                                                       base::Duration timeout) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::string bytes;
  const Deadline deadline(clock, executor, timeout, [inner = stream.get()] { inner->close(); });
  while (sniff_protocol(bytes) == SniffedProtocol::need_more) {
    auto more = co_await stream->read(kMaxSniff - bytes.size());
    if (deadline.passed()) co_return base::fail(base::Errc::timeout, "nothing was said in time");
    if (!more) co_return std::unexpected(more.error());
    if (more->empty()) co_return base::fail(base::Errc::io, "the connection ended before it began");
    bytes += *more;
  }
  const auto protocol = sniff_protocol(bytes);
  co_return Sniffed{protocol, give_back(std::move(bytes), std::move(stream))};
}

runtime::ByteStreamPtr give_back(std::string bytes, runtime::ByteStreamPtr inner) {
  return std::make_unique<GiveBackStream>(std::move(bytes), std::move(inner));
}

}  // namespace footman::net
