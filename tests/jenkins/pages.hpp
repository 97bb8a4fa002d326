// The answers that are no JSON, with the headers of a real one. Framing (Content-Length, Connection, Date) is
// left to the transport.
#pragma once

#include <string>
#include <string_view>

#include "tests/jenkins/http.hpp"

namespace footman::fake_jenkins {

struct PageContext {
  std::string version;
  std::string session;  // X-Jenkins-Session
};

// A page of Jenkins: its title, and the inside of its main panel.
Answer make_page(const PageContext& context, int status, std::string_view title, std::string_view panel);
Answer make_not_found(const PageContext& context);
// "Error": what the form got wrong. The header X-Error comes with it when the sentence is ASCII.
Answer make_form_error(const PageContext& context, std::string_view sentence, bool header);
// 404, 422, 500 with a number for the log.
Answer make_oops(const PageContext& context, int status, std::string_view logging_id);
Answer make_denied(const PageContext& context, std::string_view user, std::string_view permission,
                   std::string_view title, std::string_view implied_by);
Answer make_login_needed(const PageContext& context, std::string_view target);
Answer make_login_page(const PageContext& context);
Answer make_post_needed(const PageContext& context, std::string_view url);
Answer make_trigger_post_needed(const PageContext& context);
Answer make_starting(const PageContext& context, bool post);
// The servlet container's own page.
Answer make_container_page(int status, std::string_view message);
Answer make_unauthorized(bool get);
Answer make_redirect(std::string location);  // 302
// 200 of a GET that is neither JSON nor a page.
Answer make_text(std::string_view content_type, std::string body);
// What a proxy in between says.
Answer make_proxy_page(int status);

}  // namespace footman::fake_jenkins
