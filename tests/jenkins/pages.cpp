#include "tests/jenkins/pages.hpp"

#include <fmt/format.h>

namespace footman::fake_jenkins {

namespace {

constexpr std::string_view kCookie = "JSESSIONID=invented-session-id; Path=/; HttpOnly";

Headers page_headers(const PageContext& context) {
  return {{"X-Content-Type-Options", "nosniff"},
          {"Cache-Control", "no-cache,no-store,must-revalidate"},
          {"Expires", "0"},
          {"X-Hudson-Theme", "default"},
          {"Referrer-Policy", "same-origin"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Set-Cookie", std::string(kCookie)},
          {"X-Hudson", "1.395"},
          {"X-Jenkins", context.version},
          {"X-Jenkins-Session", context.session},
          {"X-Frame-Options", "sameorigin"},
          {"Content-Type", "text/html;charset=UTF-8"}};
}

void drop(Headers& headers, std::string_view name) {
  std::erase_if(headers, [&](const auto& header) { return header.first == name; });
}

std::string_view container_status(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 409:
      return "Conflict";
    default:
      return "Error";
  }
}

std::string_view container_description(int status) {
  switch (status) {
    case 400:
      return "The server cannot or will not process the request due to something that is perceived to be a "
             "client "
             "error (e.g., malformed request syntax, invalid request message framing, or deceptive request "
             "routing).";
    case 401:
      return "The request has not been applied to the target resource because it lacks valid authentication "
             "credentials for that resource.";
    case 403:
      return "The server understood the request but refuses to authorize it.";
    case 409:
      return "The request could not be completed due to a conflict with the current state of the target "
             "resource.";
    default:
      return "";
  }
}

}  // namespace

Answer make_page(const PageContext& context, int status, std::string_view title, std::string_view panel) {
  return {status, page_headers(context),
          fmt::format("\n  \n  <!DOCTYPE html><html><head resURL=\"/static/{0}\" data-rooturl=\"\" "
                      "data-crumb-header=\"Jenkins-Crumb\" data-crumb-value=\"invented-crumb\">\n    \n\n    "
                      "<title>{1}</title><link rel=\"stylesheet\" href=\"/static/{0}/jsbundles/styles.css\" "
                      "type=\"text/css\"></head><body><div id=\"page-body\"><div id=\"main-panel\">"
                      "<a id=\"skip2content\"></a><!--\nstart of main content ⇒\n-->{2}<!--\n⇐ end of main "
                      "content\n--></div></div></body></html>\n",
                      context.session, title, panel)};
}

Answer make_not_found(const PageContext& context) {
  return make_page(
      context, 404, " - Jenkins",
      fmt::format(
          "<h1 style=\"text-align: center\"><img src=\"/static/{}/images/rage.svg\" width=\"154\" "
          "height=\"179\"><span style=\"font-size:50px\"> Oops!</span></h1><div id=\"error-description\" "
          "style=\"text-align: center\"><h2></h2><p>\n                                This page may not "
          "exist, or you may not have permission to see it.\n                                </div>",
          context.session));
}

Answer make_form_error(const PageContext& context, std::string_view sentence, bool header) {
  auto page = make_page(context, 400, "Jenkins - Jenkins", fmt::format("<h1>Error</h1><p>{}", sentence));
  if (header) page.headers.emplace_back("X-Error", sentence);
  return page;
}

Answer make_oops(const PageContext& context, int status, std::string_view logging_id) {
  return make_page(
      context, status, "Jenkins - Jenkins",
      fmt::format(
          "<h1 style=\"text-align: center\"><img src=\"/static/{}/images/rage.svg\" width=\"154\" "
          "height=\"179\"><span style=\"font-size:50px\"> Oops!</span></h1><div id=\"error-description\">"
          "<h2 style=\"text-align: center\">A problem occurred while processing the request</h2><p "
          "style=\"text-align: center\">Logging ID={}</div>",
          context.session, logging_id));
}

Answer make_denied(const PageContext& context, std::string_view user, std::string_view permission,
                   std::string_view title, std::string_view implied_by) {
  auto page = make_page(
      context, 403, "Jenkins",
      fmt::format("<h1>Access Denied</h1><p class=\"error\">{} is missing the {} permission", user, title));
  page.headers.emplace_back("X-You-Are-Authenticated-As", user);
  page.headers.emplace_back(
      "X-You-Are-In-Group-Disabled",
      "JENKINS-39402: use -Dhudson.security.AccessDeniedException2.REPORT_GROUP_HEADERS=true "
      "or use /whoAmI to diagnose");
  page.headers.emplace_back("X-Required-Permission", permission);
  page.headers.emplace_back("X-Permission-Implied-By", implied_by);
  return page;
}

Answer make_login_needed(const PageContext& context, std::string_view target) {
  std::string from;
  for (const char c : target) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").contains(c);
    from += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  Answer answer{403,
                {{"Cache-Control", "private"},
                 {"X-Content-Type-Options", "nosniff"},
                 {"Set-Cookie", std::string(kCookie)},
                 {"X-Hudson", "1.395"},
                 {"X-Jenkins", context.version},
                 {"X-Jenkins-Session", context.session},
                 {"Content-Type", "text/html;charset=UTF-8"}}};
  answer.body = fmt::format(
      "<html><head><meta http-equiv='refresh' content='1;url=/login?from={0}'/><script id='redirect' "
      "data-redirect-url='/login?from={0}' src='/static/{1}/scripts/redirect.js'></script></head><body "
      "style='background-color:white; color:white;'>\nAuthentication "
      "required\n<!--\n-->\n\n</body></html>{2:300}",
      from, context.session, "");
  return answer;
}

Answer make_login_page(const PageContext& context) {
  auto page =
      make_page(context, 200, "Sign in - Jenkins",
                "<h1>Sign in to Jenkins</h1><form method=\"post\" name=\"login\" "
                "action=\"j_spring_security_check\"><label for=\"j_username\">Username</label><label "
                "for=\"j_password\">Password</label><label for=\"remember_me\">Keep me signed in</label>"
                "<button type=\"submit\" name=\"Submit\">Sign in</button></form>");
  for (const auto* name : {"X-Hudson-Theme", "Referrer-Policy", "Cross-Origin-Opener-Policy"}) {
    drop(page.headers, name);
  }
  return page;
}

Answer make_post_needed(const PageContext& context, std::string_view url) {
  return make_page(
      context, 405, "Method Not Allowed - Jenkins",
      fmt::format(
          "<h1>This URL requires POST</h1><p>The URL you're trying to access requires that requests be "
          "sent using POST (like a form submission). The button below allows you to retry accessing this "
          "URL using POST. URL being accessed:<p><code>{}</code><p><strong>If you were sent here from an "
          "untrusted source, please proceed with caution.</strong><form method=\"post\" "
          "autocomplete=\"off\" name=\"retry\"><button name=\"Submit\">\n    Retry using POST\n  "
          "</button></form>",
          escape_html(url)));
}

Answer make_trigger_post_needed(const PageContext& context) {
  auto page = make_page(context, 405, "Form post required - Jenkins",
                        "<p>You must use POST method to trigger builds. (From scripts you may instead pass a "
                        "per-project authentication "
                        "token, or authenticate with your API token.) If you see this page, it may be "
                        "because a plugin offered a GET "
                        "link; file a bug report for that plugin.<form method=\"POST\"><input "
                        "type=\"submit\" value=\"Proceed\"></form>");
  page.headers.emplace_back("Allow", "POST");
  return page;
}

Answer make_starting(const PageContext& context, bool post) {
  Answer answer{503, {}, {}};
  if (post) {
    answer.headers = page_headers(context);
    drop(answer.headers, "X-Frame-Options");
    // They are set twice.
    for (auto& [name, value] : answer.headers) {
      if (name == "Expires" || name == "Cache-Control") value += ", " + value;
    }
  } else {
    answer.headers = {{"Cache-Control", "private, no-cache,no-store,must-revalidate"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Expires", "0"},
                      {"Content-Type", "text/html;charset=UTF-8"}};
  }
  answer.body = fmt::format(
      "\n    \n    \n    <!DOCTYPE html><html lang=\"en\"><head resURL=\"/static/{0}\" data-rooturl=\"\" "
      "data-resurl=\"/static/{0}\" data-imagesurl=\"/static/{0}/images\"><title>Starting "
      "Jenkins</title><meta "
      "name=\"ROBOTS\" content=\"NOFOLLOW\"><meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\"><link rel=\"stylesheet\" href=\"/static/{0}/jsbundles/simple-page.css\" "
      "type=\"text/css\"></head><body><div class=\"simple-page\" role=\"main\"><div "
      "class=\"app-jenkins-booting\">"
      "<div class=\"logo\"><img src=\"/static/{0}/images/svgs/logo.svg\" alt=\"Jenkins logo\"></div><h1 "
      "class=\"loading\"><p class=\"jenkins-spinner\">Jenkins is getting ready to work</h1><p "
      "class=\"restarting\">"
      "Your browser will reload automatically when Jenkins is ready.</div></div><script "
      "src=\"/static/{0}/scripts/loading.js\" type=\"text/javascript\"></script></body></html>",
      context.session);
  return answer;
}

Answer make_container_page(int status, std::string_view message) {
  Answer answer{status,
                {{"X-Content-Type-Options", "nosniff"},
                 {"Content-Type", "text/html;charset=utf-8"},
                 {"Content-Language", "en"}}};
  answer.body = fmt::format(
      "<!doctype html><html lang=\"en\"><head><title>HTTP Status {0} – {1}</title><style "
      "type=\"text/css\">body "
      "{{font-family:Tahoma,Arial,sans-serif;}} h1, h2, h3, b {{color:white;background-color:#525D76;}} h1 "
      "{{font-size:22px;}} h2 {{font-size:16px;}} h3 {{font-size:14px;}} p {{font-size:12px;}} a "
      "{{color:black;}} "
      ".line {{height:1px;background-color:#525D76;border:none;}}</style></head><body><h1>HTTP Status {0} – "
      "{1}</h1><hr class=\"line\" /><p><b>Type</b> Status Report</p><p><b>Message</b> "
      "{2}</p><p><b>Description</b> "
      "{3}</p><hr class=\"line\" /><h3>Apache Tomcat/10.1.60 (Debian)</h3></body></html>",
      status, container_status(status), message, container_description(status));
  return answer;
}

Answer make_unauthorized(bool get) {
  auto answer = make_container_page(401, "Unauthorized");
  if (get) answer.headers.emplace_back("Cache-Control", "private");
  answer.headers.emplace_back("Set-Cookie",
                              "remember-me=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/");
  answer.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Jenkins\"");
  return answer;
}

Answer make_redirect(std::string location) {
  return {302, {{"X-Content-Type-Options", "nosniff"}, {"Location", std::move(location)}}};
}

Answer make_text(std::string_view content_type, std::string body) {
  return {200,
          {{"Cache-Control", "private"},
           {"X-Content-Type-Options", "nosniff"},
           {"Content-Type", std::string(content_type)}},
          std::move(body)};
}

Answer make_proxy_page(int status) {
  return {
      status,
      {{"Server", "nginx"}, {"Content-Type", "text/html"}},
      fmt::format("<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
                  "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
                  status)};
}

}  // namespace footman::fake_jenkins
