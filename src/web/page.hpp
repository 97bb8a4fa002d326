// The frame around every page, the files pages need, and the headers that keep them harmless.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "web/html.hpp"

namespace footman::web {

using namespace footman::base;

// A file of static/, compiled in (static/embed.cmake).
struct StaticFile {
  std::string_view name;
  std::string_view type;
  std::string_view bytes;
};
std::span<const StaticFile> static_files();

// Static files under addresses that hold their hash, so that browsers may keep them for ever.
class Assets {
 public:
  Assets();
  Url url(std::string_view name) const;  // of a file that must exist
  // The answer to a request for /ui/static/PATH; nothing when there is no such file.
  std::optional<net::HttpResponse> answer(std::string_view path, const net::HttpRequest& request) const;

 private:
  struct Entry {
    StaticFile file;
    std::string hash;
  };
  std::vector<Entry> entries_;
};

// Who looks, and when.
struct View {
  Instant now;
  api::Principal who;
  bool has_jenkins = false;
  bool may_change() const { return who.access == api::Access::admin; }
};

enum class Section { none, overview, jobs, builds, queue, agents, clouds, costs, jenkins };

struct Page {
  std::string title;
  Section section = Section::none;
  Markup body;
  // Query of the event stream that the page follows; empty: it does not change.
  std::string events;
  int status = 200;
};

// `view`: nobody signed in when absent.
net::HttpResponse make_page(const Assets& assets, const Page& page, const View* view);
net::HttpResponse make_redirect(const Url& to);

// A form that changes something; the one place where forms get their CSRF token.
Markup post_form(const View& view, const Url& action, const Markup& content);
// A form that is one button.
Markup post_button(const View& view, const Url& action, std::string_view label,
                   std::string_view classes = "button");

// "Older" and "Newest" below a list.
Markup pager(const std::optional<Url>& newest, const std::optional<Url>& older);
// What a list says when there is nothing in it.
Markup nothing(std::string_view sentence);

// Errors and the sign-in.
Page error_page(int status, const Error& error);
// `return_to`: where to go afterwards. `trouble`: why the last try failed; empty: none.
Page sign_in_page(const Url& return_to, std::string_view csrf_token, std::string_view trouble, int status);

}  // namespace footman::web
