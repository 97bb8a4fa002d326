#include "api/respond.hpp"

#include <utility>

#include "api/json_out.hpp"

namespace footman::api {
namespace {

// Fields of the model whose name in the API has the unit in it.
constexpr std::pair<std::string_view, std::string_view> kFieldNames[] = {
    {"timeout", "timeout_ms"},
    {"grace", "grace_ms"},
    {"quiet_period", "quiet_period_ms"},
    {"keep_for", "keep_for_ms"},
    {"idempotency_key", "Idempotency-Key"}};

std::string field_name_in_api(const std::string& field) {
  const auto dot = field.rfind('.');
  const auto start = dot == std::string::npos ? 0 : dot + 1;
  if (field.starts_with("parameters.")) return field;  // the rest is a name people chose
  for (const auto& [ours, theirs] : kFieldNames)
    if (std::string_view(field).substr(start) == ours) return field.substr(0, start).append(theirs);
  return field;
}

}  // namespace

Error name_api_field(Error error) {
  error.field = field_name_in_api(error.field);
  return error;
}

void add_safety_headers(net::Headers& headers) {
  headers.set("Cache-Control", "no-store");
  headers.set("X-Content-Type-Options", "nosniff");
}

net::HttpResponse json_response(int status, const json::object& body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  add_safety_headers(response.headers);
  response.body = to_text(body);
  response.body += '\n';
  return response;
}

net::HttpResponse text_response(std::string_view content_type, std::string body) {
  net::HttpResponse response;
  response.headers.add("Content-Type", std::string(content_type));
  add_safety_headers(response.headers);
  response.body = std::move(body);
  return response;
}

int status_of(const base::Error& error) {
  switch (error.code) {
    case Errc::invalid_argument:
    case Errc::unsupported:
      return 400;
    case Errc::unauthenticated:
      return 401;
    case Errc::permission_denied:
      return 403;
    case Errc::not_found:
      return 404;
    case Errc::already_exists:
    case Errc::conflict:
      return 409;
    case Errc::resource_exhausted:
      return error.field.empty() ? 429 : 400;  // of the input: it will not fit later either
    case Errc::unavailable:
    case Errc::cancelled:
      return 503;
    case Errc::timeout:
      return 504;
    case Errc::corrupt:
    case Errc::io:
    case Errc::internal:
      return 500;
  }
  return 500;
}

net::HttpResponse error_response(int status, std::string_view code, const base::Error& error) {
  json::object inner{{"code", code}, {"message", utf8(error.message)}};
  if (!error.field.empty()) inner["field"] = utf8(error.field);
  if (!error.hint.empty()) inner["hint"] = utf8(error.hint);
  auto response = json_response(status, {{"error", std::move(inner)}});
  if (status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"footman\"");
  if (status == 429 || status == 503) response.headers.add("Retry-After", "2");
  return response;
}

Error for_clients(Error error) {
  if (status_of(error) != 500) return error;
  return {
      error.code, "The server could not do this, for an error of its own.", {}, "Its log says what it was."};
}

net::HttpResponse error_response(const base::Error& error) {
  return error_response(status_of(error), to_string(error.code), for_clients(error));
}

}  // namespace footman::api
