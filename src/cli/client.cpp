#include "cli/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace footman::cli {
namespace {

constexpr std::size_t kMaxJsonDepth = 64;
constexpr std::size_t kMaxErrorBytes = 64 * 1024;  // of an answer that is an error to a stream

bool is_json(const net::Headers& headers) {
  return headers.value_or("Content-Type", "").starts_with("application/json");
}

std::optional<json::value> parse_json(const std::string& text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code error;
  auto value = json::parse(text, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

// What the server's word means to us. Its own troubles (io, corrupt, internal) are one to a client: the codes
// io and corrupt are the connection's here.
Errc code_of(const std::string& word, int status) {
  static constexpr std::array<Errc, 10> known = {
      Errc::invalid_argument, Errc::not_found,         Errc::already_exists,     Errc::conflict,
      Errc::unauthenticated,  Errc::permission_denied, Errc::resource_exhausted, Errc::unavailable,
      Errc::timeout,          Errc::unsupported};
  for (const auto code : known) {
    if (word == to_string(code)) return code;
  }
  return status < 500 ? Errc::invalid_argument : Errc::internal;
}

std::string first_words(const std::string& text) {
  std::string words;
  bool tag = false;
  for (const char c : text) {  // an HTML page's words are between its tags
    if (c == '<') tag = true;
    if (!tag && words.size() < 120 && (c != ' ' || !words.ends_with(' ')))
      words += c == '\n' || c == '\r' ? ' ' : c;
    if (c == '>') tag = false;
  }
  return words;
}

Awaitable<Result<std::string>> read_bounded(net::HttpBody* body, std::size_t limit) {
  std::string text;
  while (text.size() < limit) {
    FOOTMAN_CO_TRY(const auto more,
                   co_await body->read(std::min<std::size_t>(limit - text.size(), 64 * 1024)));
    if (more.empty()) break;
    text += more;
  }
  co_return text;
}

}  // namespace

std::string target_of(const std::string& path, const Query& query) {
  std::string target = path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    target += fmt::format("{}{}={}", separator, net::percent_encode(name), net::percent_encode(value));
    separator = '&';
  }
  return target;
}

bool may_try_again(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timeout || error.code == Errc::io;
}

Client::Client(runtime::Executor executor, runtime::Clock& clock, ServerAccess access,
               net::HttpClientConfig config)
    : clock_(clock), access_(std::move(access)), http_(std::move(executor), clock_, std::move(config)) {}

std::string Client::url() const { return access_.url.str(); }

net::HttpClientRequest Client::make_request(std::string method, const std::string& path,
                                            const Query& query) const {
  net::HttpClientRequest request;
  request.method = std::move(method);
  request.url = access_.url;
  request.url.path += "/api/v1" + target_of(path, query);
  request.headers.set("Accept", "application/json");
  if (!access_.token.empty()) {
    request.headers.set("Authorization", "Bearer " + std::string(access_.token.expose()));
  }
  return request;
}

Awaitable<Result<json::value>> Client::get(std::string path, Query query) {
  co_return co_await call(make_request("GET", path, query));
}

Awaitable<Result<json::value>> Client::post(std::string path, json::value body) {
  auto request = make_request("POST", path, {});
  request.headers.set("Content-Type", "application/json");
  request.body = json::serialize(body);
  co_return co_await call(std::move(request));
}

Awaitable<Result<json::value>> Client::put(std::string path, json::value body) {
  auto request = make_request("PUT", path, {});
  request.headers.set("Content-Type", "application/json");
  request.body = json::serialize(body);
  co_return co_await call(std::move(request));
}

Awaitable<Status> Client::remove(std::string path) {
  const auto answer = co_await call(make_request("DELETE", path, {}));
  if (!answer) co_return std::unexpected(answer.error());
  co_return Status();
}

Awaitable<Result<json::value>> Client::submit(json::value body, std::string idempotency_key) {
  auto request = make_request("POST", "/builds", {});
  request.headers.set("Content-Type", "application/json");
  request.headers.set("Idempotency-Key", std::move(idempotency_key));
  request.body = json::serialize(body);
  co_return co_await call(std::move(request));
}

Awaitable<Result<json::value>> Client::list(std::string path, std::string name, Query query,
                                            std::int64_t limit) {
  json::value all;
  std::string next;
  while (true) {
    const auto have = static_cast<std::int64_t>(all.is_object() ? list_of(all, name).size() : 0);
    auto page_query = query;
    page_query.emplace_back("limit", std::to_string(std::clamp<std::int64_t>(limit - have, 1, kMaxPage)));
    if (!next.empty()) page_query.emplace_back("cursor", next);
    FOOTMAN_CO_TRY(auto page, co_await get(path, std::move(page_query)));
    next = text_of(page, "next");
    const bool is_empty = list_of(page, name).empty();
    if (!all.is_object()) {
      if (page.if_object() == nullptr)
        co_return fail(Errc::corrupt, url() + " answers with something else than a list");
      all = std::move(page);
    } else {
      auto& items = all.as_object()[name].as_array();
      for (const auto& item : list_of(page, name)) items.push_back(item);
    }
    const bool enough = static_cast<std::int64_t>(list_of(all, name).size()) >= limit;
    if (next.empty() || is_empty || enough) break;
  }
  all.as_object().erase("next");
  if (!next.empty()) all.as_object()["next"] = next;
  co_return all;
}

Awaitable<Result<std::unique_ptr<net::HttpBody>>> Client::open(std::string path, Query query,
                                                               net::Headers headers) {
  auto request = make_request("GET", path, query);
  for (const auto& [name, value] : headers.all()) request.headers.set(name, value);
  request.idle = kStreamIdle;
  auto body = co_await http_.open(std::move(request));
  if (!body) co_return std::unexpected(explain_transport(body.error()));
  const int status = (*body)->status();
  if (status >= 200 && status < 300) co_return std::move(*body);
  const auto text = co_await read_bounded(body->get(), kMaxErrorBytes);
  co_return std::unexpected(explain_status(status, (*body)->headers(), text.value_or("")));
}

Awaitable<Result<json::value>> Client::call(net::HttpClientRequest request) {
  const auto response = co_await http_.request(std::move(request));
  if (!response) co_return std::unexpected(explain_transport(response.error()));
  co_return read_answer(response->status, response->headers, response->body);
}

std::string Client::hint_of_trust() const {
  if (!access_.public_key_sha256.empty())
    return fmt::format("Another server answers there than the one that wrote {}", access_.trust_file);
  if (!access_.ca_pem.empty())
    return fmt::format("Its certificate is not of the authority in {}", access_.trust_file);
  return "If it is yours, name its authority with --ca-file or FOOTMAN_CA";
}

Error Client::explain_transport(Error error) const {
  if (error.code == Errc::unauthenticated) {  // TLS: the server is not who it must be
    return {Errc::unavailable, fmt::format("{}: {}", url(), error.message), {}, hint_of_trust()};
  }
  if (error.code == Errc::resource_exhausted)
    return {Errc::corrupt, fmt::format("{}: {}", url(), error.message), {}, {}};
  if (error.code == Errc::unavailable) {
    if (access_.pid > 0 && !is_alive(access_.pid)) {
      return {Errc::unavailable,
              fmt::format("the server on {} is not running: process {} is gone", access_.data_directory,
                          access_.pid),
              {},
              "Start it with footman up"};
    }
    return {
        Errc::unavailable, fmt::format("no server answers at {}: {}", url(), error.message), {}, error.hint};
  }
  return {error.code, fmt::format("{}: {}", url(), error.message), {}, error.hint};
}

Result<json::value> Client::read_answer(int status, const net::Headers& headers,
                                        const std::string& body) const {
  if (status < 200 || status >= 300) return std::unexpected(explain_status(status, headers, body));
  if (status == 204) return json::value();
  auto value = is_json(headers) ? parse_json(body) : std::nullopt;
  if (!value) {
    return fail(Errc::corrupt,
                fmt::format("what answers at {} is not Footman (HTTP {}, {})", url(), status,
                            headers.value_or("Content-Type", "no content type")),
                {}, "Check --url or FOOTMAN_URL");
  }
  return std::move(*value);
}

Error Client::explain_status(int status, const net::Headers& headers, const std::string& body) const {
  const auto value = is_json(headers) ? parse_json(body) : std::nullopt;
  const auto& told = value ? part_of(*value, "error") : json::value();
  if (!told.is_object()) {  // a proxy between us, or another server
    const bool passing = status == 502 || status == 503 || status == 504;
    return {
        passing ? Errc::unavailable : Errc::corrupt,
        fmt::format("what answers at {} is not Footman: HTTP {} \"{}\"", url(), status, first_words(body)),
        {},
        passing ? "A proxy before the server says that the server is away" : "Check --url or FOOTMAN_URL"};
  }
  Error error{code_of(text_of(told, "code"), status), text_of(told, "message"), text_of(told, "field"),
              text_of(told, "hint")};
  if (error.code == Errc::unauthenticated) {
    error.hint = access_.token.empty()
                     ? fmt::format("{}; set FOOTMAN_TOKEN or give --token-file", access_.no_token)
                     : fmt::format("The token of {} was refused by {}", access_.token_origin, url());
  }
  return error;
}

}  // namespace footman::cli
