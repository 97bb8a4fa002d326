#include <fmt/format.h>

#include "web/ansi.hpp"
#include "web/pages.hpp"
#include "web/web.hpp"

namespace footman::web {
namespace {

Url raw_log_url(BuildId build, std::size_t attempt) {
  Url url("/api/v1/builds/", build.str() + "/log");
  if (attempt > 0) url.add("attempt", std::to_string(attempt));
  return url;
}

Url timed_log_url(BuildId build, std::size_t attempt) {
  auto url = raw_log_url(build, attempt);
  url.add("timestamps", "true");
  return url;
}

Url log_url(BuildId build, std::size_t attempt, std::optional<std::uint64_t> from) {
  Url url("/ui/builds/", build.str() + "/log");
  if (attempt > 0) url.add("attempt", std::to_string(attempt));
  if (from) url.add("from", std::to_string(*from));
  return url;
}

// The beginning of a part is seldom the beginning of a line or of a character.
std::string_view from_whole_line(const LogPart& log) {
  constexpr std::size_t kFarthest = 8 * 1024;
  std::string_view bytes = log.bytes;
  if (log.from == 0) return bytes;
  const auto end = bytes.substr(0, kFarthest).find('\n');
  if (end != std::string_view::npos && end + 1 < bytes.size()) return bytes.substr(end + 1);
  while (!bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0xc0U) == 0x80) bytes.remove_prefix(1);
  return bytes;
}

}  // namespace

Markup log_box(const LogPart& log, BuildId build, bool follow) {
  const auto bytes = from_whole_line(log);
  const auto skipped = log.from + (log.bytes.size() - bytes.size());
  const auto rendered = render_log(bytes, log.finished);
  const auto offset = skipped + rendered.consumed;
  Attributes data;
  data.add("data-empty", log.finished ? "It printed nothing." : "What it prints stands here.");
  data.add("data-log", raw_log_url(build, log.attempt).str());
  data.add("data-offset", std::to_string(offset));
  data.add("data-style", rendered.style.str());
  if (rendered.open_line) data.add("data-open", "");
  if (follow || log.left_out) data.add("data-follow", "");
  return html(
      R"(<section class="log-card" id="log-card" aria-labelledby="log-title"><div class="log-head"><h2 id="log-title">Log</h2><p class="log-tools"><label class="follow" hidden><input type="checkbox" id="follow" checked> Follow</label><a href="{}">Whole log</a> <a href="{}">Raw</a> <a href="{}">With times</a></p></div>
<p class="log-note" id="log-note"{}>The first {} are not shown here: <a href="{}">read them</a>.</p>
<div class="log" id="log" tabindex="0" role="region" aria-label="Log"{}>{}</div></section>)",
      log_url(build, log.attempt, 0), raw_log_url(build, log.attempt), timed_log_url(build, log.attempt),
      flag("hidden", skipped == 0), format_bytes(skipped), log_url(build, log.attempt, 0), data,
      rendered.lines);
}

Page log_page(const LogData& data, const View&) {
  const auto& log = data.log;
  const auto id = data.build.id;
  const auto title = controller::title_of(data.build);
  const auto end = log.from + log.bytes.size();
  Page page;
  page.title = "Log of " + title;
  page.section = Section::builds;
  const auto earlier = log.from > kLogWindowBytes ? log.from - kLogWindowBytes : 0;
  page.body = html(
      R"(<div class="heading"><h1>Log of <a href="{}"><bdi>{}</bdi></a></h1></div>
<p class="summary"><span>{}</span> <span>bytes {} to {} of {}</span> <a href="{}">Raw</a> <a href="{}">With times</a></p>
<nav class="pager" aria-label="Parts of the log">{}{}</nav>
<div class="log whole" tabindex="0" role="region" aria-label="Log">{}</div>
<nav class="pager" aria-label="Parts of the log, again">{}{}</nav>)",
      build_url(id), title,
      data.attempts > 1 ? fmt::format("attempt {} of {}", log.attempt, data.attempts) : "", log.from, end,
      log.size, raw_log_url(id, log.attempt), timed_log_url(id, log.attempt),
      log.from > 0
          ? html(R"(<a class="button" rel="prev" href="{}">Earlier</a>)", log_url(id, log.attempt, earlier))
          : Markup(),
      end < log.size
          ? html(R"(<a class="button" rel="next" href="{}">Later</a>)", log_url(id, log.attempt, end))
          : Markup(),
      render_log(log.bytes, true).lines,
      log.from > 0 ? html(R"(<a class="button" href="{}">Beginning</a>)", log_url(id, log.attempt, 0))
                   : Markup(),
      end < log.size
          ? html(R"(<a class="button" rel="next" href="{}">Later</a>)", log_url(id, log.attempt, end))
          : Markup());
  return page;
}

}  // namespace footman::web
