#include "web/form.hpp"

#include <algorithm>

#include "web/web.hpp"

namespace footman::web {
namespace {

Result<std::string> decode(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '+', ' ');
  return net::percent_decode(plain);
}

}  // namespace

Result<Form> Form::parse(const net::HttpRequest& request) {
  const auto type = request.headers.value_or("Content-Type", "");
  if (!type.starts_with("application/x-www-form-urlencoded"))
    return fail(Errc::invalid_argument, "a form was expected", "Content-Type");
  if (request.body.size() > kMaxFormBytes) return fail(Errc::resource_exhausted, "the form is too large");
  Form form;
  std::string_view rest = request.body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto field = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (form.fields_.size() == kMaxFormFields)
      return fail(Errc::invalid_argument, "the form has too many fields");
    const auto equals = std::min(field.find('='), field.size());
    FOOTMAN_TRY(auto name, decode(field.substr(0, equals)));
    FOOTMAN_TRY(auto value, decode(field.substr(std::min(equals + 1, field.size()))));
    form.set(std::move(name), std::move(value));
  }
  return form;
}

std::optional<std::string_view> Form::find(std::string_view name) const {
  for (const auto& [key, value] : fields_)
    if (key == name) return value;
  return std::nullopt;
}

std::string Form::text(std::string_view name) const { return std::string(find(name).value_or("")); }

std::string Form::lines(std::string_view name) const {
  auto all = text(name);
  std::erase(all, '\r');
  return all;
}

}  // namespace footman::web
