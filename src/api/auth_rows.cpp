#include "api/auth_rows.hpp"

#include "api/json_in.hpp"
#include "api/json_out.hpp"

namespace footman::api {
namespace {

void read_access(Fields& in, Access& out) {
  std::string text;
  in.text("access", text, Need::required);
  const auto found = find_access(text);
  if (found)
    out = *found;
  else
    in.errors().add("an access was expected", in.field("access"));
}

void read_time(Fields& in, std::string_view name, Instant& out) {
  std::uint64_t us = 0;
  in.number(name, us, std::numeric_limits<std::int64_t>::max());
  out.us = static_cast<std::int64_t>(us);
}

void read_token(Fields& in, TokenRow& row) {
  in.text("name", row.name, Need::required);
  in.text("hash", row.hash, Need::required);
  read_access(in, row.access);
  read_time(in, "created_us", row.created);
}

void read_session(Fields& in, SessionRow& row) {
  in.text("hash", row.hash, Need::required);
  in.text("token_hash", row.token_hash, Need::required);
  read_time(in, "expires_us", row.expires);
}

template <class Row>
Result<std::vector<Row>> parse_rows(std::string_view text, void (*read)(Fields&, Row&), std::size_t most,
                                    const char* what) {
  std::vector<Row> rows;
  const auto value = parse_json(text);
  Errors errors;
  if (value) {
    Fields in(*value, {}, errors);
    in.objects("rows", rows, read, most, Need::required);
    in.done();
  }
  const auto status = value ? errors.status() : Status(std::unexpected(value.error()));
  if (!status)
    return fail(Errc::corrupt,
                std::string("the stored ") + what + " cannot be read: " + describe(status.error()));
  return rows;
}

}  // namespace

std::string format_tokens(const std::vector<TokenRow>& rows) {
  json::array list;
  list.reserve(rows.size());
  for (const auto& row : rows)
    list.push_back(json::object{{"name", row.name},
                                {"hash", row.hash},
                                {"access", to_string(row.access)},
                                {"created_us", row.created.us}});
  return to_text({{"rows", std::move(list)}});
}

std::string format_sessions(const std::vector<SessionRow>& rows) {
  json::array list;
  list.reserve(rows.size());
  for (const auto& row : rows)
    list.push_back(
        json::object{{"hash", row.hash}, {"token_hash", row.token_hash}, {"expires_us", row.expires.us}});
  return to_text({{"rows", std::move(list)}});
}

Result<std::vector<TokenRow>> parse_tokens(std::string_view text) {
  return parse_rows(text, read_token, kMaxTokens, "API tokens");
}
Result<std::vector<SessionRow>> parse_sessions(std::string_view text) {
  return parse_rows(text, read_session, kMaxSessions, "browser sessions");
}

}  // namespace footman::api
