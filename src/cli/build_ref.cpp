#include "cli/build_ref.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "base/number.hpp"

namespace footman::cli {
namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
  const auto number = base::find_number<std::int64_t>(text);
  return number && *number >= 1 ? number : std::nullopt;
}

}  // namespace

std::string target_of_job(std::string_view path) {
  std::string target = "/jobs/";
  for (const char c : path) {
    target += c == '/' ? "/" : net::percent_encode(std::string_view(&c, 1));
  }
  return target;
}

bool is_build_ref(const std::string& text) {
  return text.contains('#') || (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos);
}

Awaitable<Result<std::int64_t>> find_build(Session& session, std::string text) {
  if (const auto id = parse_number(text)) co_return *id;
  const auto split = text.rfind('#');
  const auto number =
      split == std::string::npos ? std::nullopt : parse_number(std::string_view(text).substr(split + 1));
  if (!number) {
    co_return fail(Errc::invalid_argument, fmt::format("\"{}\" is not a build", text), {},
                   "Give its id such as 17, or JOB#NUMBER such as team/app#3");
  }
  const auto job = text.substr(0, split);
  const Query query = {{"job", job}, {"number", std::to_string(*number)}};
  FOOTMAN_CO_TRY(const auto found, co_await session.client.get("/builds", query));
  const auto& builds = list_of(found, "builds");
  const auto id = builds.empty() ? std::nullopt : number_of(builds.front(), "id");
  if (id) co_return *id;
  // Where there is no such job either, that is what is wrong.
  if (!job.empty()) FOOTMAN_CO_TRY_STATUS(co_await session.client.get(target_of_job(job)));
  co_return fail(Errc::not_found, fmt::format("There is no build {} of job {}", *number, job));
}

}  // namespace footman::cli
