#include "web/page.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/digest.hpp"
#include "base/version.hpp"
#include "web/words.hpp"

namespace footman::web {
namespace {

constexpr std::size_t kHashLetters = 16;
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

void add_safety_headers(net::Headers& headers) {
  headers.set("Content-Security-Policy", std::string(kPolicy));
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("X-Frame-Options", "DENY");
  headers.set("Referrer-Policy", "same-origin");
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
}

struct Place {
  Section section;
  UrlBase url;
  std::string_view name;
};
constexpr Place kPlaces[] = {
    {Section::overview, "/ui/", "Overview"},   {Section::jobs, "/ui/jobs", "Jobs"},
    {Section::builds, "/ui/builds", "Builds"}, {Section::queue, "/ui/queue", "Queue"},
    {Section::agents, "/ui/agents", "Agents"}, {Section::clouds, "/ui/clouds", "Clouds"},
    {Section::costs, "/ui/costs", "Costs"},    {Section::jenkins, "/ui/jenkins", "Jenkins"},
};

Markup navigation(Section here, const View& view) {
  return html(R"(<nav aria-label="Main"><ul>{}</ul></nav>)", each(kPlaces, [&](const Place& place) {
                if (place.section == Section::jenkins && !view.has_jenkins) return Markup();
                return html(R"(<li><a href="{}"{}>{}</a></li>)", Url(place.url),
                            attribute_if(place.section == here, "aria-current", "page"), place.name);
              }));
}

Markup account(const View& view) {
  return html(
      R"(<div class="account"><span class="muted" title="Signed in with this token">{}</span>{}</div>)",
      view.who.name,
      view.who.browser ? post_button(view, Url("/ui/sign-out"), "Sign out", "button quiet") : Markup());
}

Markup logo() {
  return html(
      R"(<svg class="logo" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M5 17a7 7 0 0 1 14 0z"/><path class="line" d="M3 20h18M12 10V7"/><circle cx="12" cy="5.5" r="1.7"/></svg>)");
}

Markup header(Section here, const View* view) {
  return html(R"(<header class="top"><a class="brand" href="/ui/">{}<span>Footman</span></a>{}{}</header>)",
              logo(), view != nullptr ? navigation(here, *view) : Markup(),
              view != nullptr ? account(*view) : Markup());
}

std::string full_title(const Page& page) {
  return page.title.empty() ? "Footman" : page.title + " – Footman";
}

}  // namespace

// --- static files

Assets::Assets() {
  for (const auto& file : static_files())
    entries_.push_back({file, to_hex(sha256(file.bytes)).substr(0, kHashLetters)});
}

Url Assets::url(std::string_view name) const {
  const auto entry = std::ranges::find(entries_, name, [](const Entry& one) { return one.file.name; });
  FOOTMAN_CHECK(entry != entries_.end(), "a static file that was compiled in");
  return {"/ui/static/", entry->hash + "/" + std::string(entry->file.name)};
}

std::optional<net::HttpResponse> Assets::answer(std::string_view path,
                                                const net::HttpRequest& request) const {
  const auto entry = std::ranges::find(
      entries_, path, [](const Entry& one) { return one.hash + "/" + std::string(one.file.name); });
  if (entry == entries_.end()) return std::nullopt;
  net::HttpResponse response;
  const auto etag = "\"" + entry->hash + "\"";
  add_safety_headers(response.headers);
  response.headers.set("Cache-Control", "public, max-age=31536000, immutable");
  response.headers.set("ETag", etag);
  if (request.headers.value_or("If-None-Match", "").find(etag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  response.headers.set("Content-Type", std::string(entry->file.type));
  response.body = entry->file.bytes;
  return response;
}

// --- pages

net::HttpResponse make_page(const Assets& assets, const Page& page, const View* view) {
  net::HttpResponse response;
  response.status = page.status;
  add_safety_headers(response.headers);
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("Cache-Control", "no-store");
  const auto stream = page.events.empty() ? std::string() : "/api/v1/events?" + page.events;
  response.body = html(R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="{}">
<link rel="stylesheet" href="{}">
<script src="{}" defer></script></head>
<body data-now="{}"{}>
<a class="skip" href="#main">Skip to the content</a>
{}
<main id="main" tabindex="-1">{}</main>
<footer class="muted">Footman {}</footer>
<p id="live" class="live" hidden></p>
<p id="announce" class="hidden" role="status" aria-live="polite"></p>
</body></html>
)",
                       full_title(page), assets.url("favicon.svg"), assets.url("footman.css"),
                       assets.url("footman.js"), view != nullptr ? format_rfc3339(view->now) : "",
                       attribute_if(!stream.empty(), "data-events", stream), header(page.section, view),
                       page.body, base::version())
                      .str();
  return response;
}

net::HttpResponse make_redirect(const Url& to) {
  net::HttpResponse response;
  response.status = 303;
  add_safety_headers(response.headers);
  response.headers.set("Location", to.str());
  response.headers.set("Cache-Control", "no-store");
  return response;
}

Markup post_form(const View& view, const Url& action, const Markup& content) {
  return html(
      R"(<form method="post" action="{}"><input type="hidden" name="csrf_token" value="{}">{}</form>)",
      action, view.who.csrf_token, content);
}

Markup post_button(const View& view, const Url& action, std::string_view label, std::string_view classes) {
  return post_form(view, action, html(R"(<button type="submit" class="{}">{}</button>)", classes, label));
}

Markup pager(const std::optional<Url>& newest, const std::optional<Url>& older) {
  if (!newest && !older) return {};
  return html(R"(<nav class="pager" aria-label="Pages">{}{}</nav>)",
              newest ? html(R"(<a class="button" href="{}">Newest</a>)", *newest) : Markup(),
              older ? html(R"(<a class="button" href="{}" rel="next">Older</a>)", *older) : Markup());
}

Markup nothing(std::string_view sentence) { return html(R"(<p class="nothing">{}</p>)", sentence); }

// --- errors and the sign-in

namespace {

std::string_view headline(int status) {
  switch (status) {
    case 403:
      return "That is not allowed";
    case 404:
      return "There is nothing here";
    case 405:
      return "That cannot be done here";
    case 409:
      return "That cannot be done now";
    case 413:
      return "That is too much";
    case 429:
    case 503:
      return "Not now";
    default:
      return status < 500 ? "That was not understood" : "Something went wrong";
  }
}

}  // namespace

Page error_page(int status, const Error& error) {
  Page page;
  page.title = headline(status);
  page.status = status;
  page.body = html(
      R"(<div class="narrow card"><p class="code" aria-hidden="true">{}</p><h1>{}</h1><p>{}</p>{}{}<p><a class="button" href="/ui/">To the overview</a></p></div>)",
      status, headline(status), sentence(error.message),
      error.field.empty() ? Markup() : html(R"(<p class="muted">Field: <code>{}</code></p>)", error.field),
      error.hint.empty() ? Markup() : html(R"(<p class="muted">{}</p>)", error.hint));
  return page;
}

Page sign_in_page(const Url& return_to, std::string_view csrf_token, std::string_view trouble, int status) {
  Page page;
  page.title = "Sign in";
  page.status = status;
  page.body = html(
      R"(<div class="narrow card"><h1>Sign in</h1>{}<form method="post" action="/ui/sign-in">
<input type="hidden" name="{}" value="{}"><input type="hidden" name="return" value="{}">
<label for="token">API token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus{}>
<button type="submit" class="button primary">Sign in</button></form>
<p class="muted">The first token is in the file <code>token</code> of the server's data directory.
<code>footman ui</code> prints a link that signs you in without it, as <code>footman up</code> does when it starts.</p></div>)",
      trouble.empty() ? Markup()
                      : html(R"(<p class="callout bad" role="alert" id="trouble">{}</p>)", sentence(trouble)),
      api::kCsrfField, csrf_token, return_to.str(),
      attribute_if(!trouble.empty(), "aria-describedby", "trouble"));
  return page;
}

}  // namespace footman::web
