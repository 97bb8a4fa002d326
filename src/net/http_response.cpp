#include "net/http_response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "net/http_server.hpp"
#include "net/text.hpp"
#include "net/websocket_frame.hpp"

namespace footman::net {

std::string_view status_text(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

HttpResponse make_error_response(int status, std::string_view code, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = fmt::format(R"({{"error":{{"code":{},"message":{}}}}})", base::json_quote(code),
                              base::json_quote(message));
  response.body += '\n';
  return response;
}

HttpResponse make_problem_response(const HttpProblem& problem) {
  std::string code(status_text(problem.status));
  std::ranges::transform(code, code.begin(), [](char c) { return c == ' ' ? '_' : to_lower(c); });
  auto response = make_error_response(problem.status, code, problem.message);
  if (problem.status == 426) response.headers.add("Sec-WebSocket-Version", "13");
  return response;
}

namespace {

bool is_ours(std::string_view name) {
  for (const std::string_view ours : {"Content-Length", "Transfer-Encoding", "Connection", "Date"}) {
    if (equal_ignoring_case(name, ours)) return true;
  }
  return false;
}

void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

}  // namespace

std::string format_response_head(const HttpResponse& response, BodyKind kind, std::uint64_t length,
                                 bool keep_alive, base::Instant now) {
  auto out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, status_text(response.status),
                         format_http_date(now));
  if (response.status == 101) {
    out += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  } else if (!keep_alive) {
    out += "Connection: close\r\n";
  }
  if (kind == BodyKind::length) out += fmt::format("Content-Length: {}\r\n", length);
  if (kind == BodyKind::chunked) out += "Transfer-Encoding: chunked\r\n";
  for (const auto& [name, value] : response.headers.all()) {
    if (is_ours(name)) continue;
    append_clean(out, name);
    out += ": ";
    append_clean(out, value);
    out += "\r\n";
  }
  return out + "\r\n";
}

std::string format_chunk(std::string_view bytes) {
  auto out = fmt::format("{:x}\r\n", bytes.size());
  out.reserve(out.size() + bytes.size() + 2);
  out += bytes;
  out += "\r\n";
  return out;
}

UpgradeAnswer check_websocket_upgrade(const HttpRequest& request) {
  const auto& headers = request.headers;
  const auto refused = [](int status, std::string message) {
    return UpgradeAnswer{{}, HttpProblem{status, std::move(message)}};
  };
  const bool asked = request.method == "GET" && has_token(headers.value_or("Upgrade", ""), "websocket") &&
                     has_token(headers.value_or("Connection", ""), "upgrade");
  if (!asked) return refused(400, "this address takes WebSocket connections only");
  if (headers.value_or("Sec-WebSocket-Version", "") != "13")
    return refused(426, "the WebSocket version must be 13");
  const auto key = headers.value_or("Sec-WebSocket-Key", "");
  const auto raw = base::from_base64(key);
  if (!raw || raw->size() != 16)
    return refused(400, "the header Sec-WebSocket-Key is not 16 bytes in base64");
  return UpgradeAnswer{websocket_accept_key(key), std::nullopt};
}

}  // namespace footman::net
