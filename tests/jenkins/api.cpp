#include "tests/jenkins/api.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/serialize.hpp>

#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "base/number.hpp"

namespace footman::fake_jenkins {

namespace {

struct RightWords {
  Right right;
  std::string_view permission;
  std::string_view title;
  std::string_view implied_by;
};

constexpr std::string_view kAdminister = "hudson.model.Hudson.Administer";
constexpr std::array kRights{
    RightWords{Right::overall_read, "hudson.model.Hudson.Read", "Overall/Read",
               "hudson.security.Permission.GenericRead, hudson.model.Hudson.Administer"},
    RightWords{Right::administer, kAdminister, "Overall/Administer", ""},
    RightWords{Right::agent_create, "hudson.model.Computer.Create", "Agent/Create",
               "hudson.security.Permission.GenericCreate, hudson.security.Permission.GenericWrite, "
               "hudson.model.Hudson.Administer"},
    RightWords{Right::agent_connect, "hudson.model.Computer.Connect", "Agent/Connect",
               "hudson.model.Computer.Disconnect, hudson.model.Hudson.Administer"},
    RightWords{Right::agent_disconnect, "hudson.model.Computer.Disconnect", "Agent/Disconnect", kAdminister},
    RightWords{Right::agent_delete, "hudson.model.Computer.Delete", "Agent/Delete",
               "hudson.security.Permission.GenericDelete, hudson.security.Permission.GenericWrite, "
               "hudson.model.Hudson.Administer"},
    RightWords{Right::agent_configure, "hudson.model.Computer.Configure", "Agent/Configure",
               "hudson.security.Permission.GenericConfigure, hudson.security.Permission.GenericUpdate, "
               "hudson.security.Permission.GenericWrite, hudson.model.Hudson.Administer"},
    RightWords{Right::job_build, "hudson.model.Item.Build", "Job/Build",
               "hudson.security.Permission.GenericUpdate, hudson.security.Permission.GenericWrite, "
               "hudson.model.Hudson.Administer"},
    RightWords{Right::job_cancel, "hudson.model.Item.Cancel", "Job/Cancel",
               "hudson.security.Permission.GenericUpdate, hudson.security.Permission.GenericWrite, "
               "hudson.model.Hudson.Administer"},
    RightWords{Right::job_configure, "hudson.model.Item.Configure", "Job/Configure",
               "hudson.security.Permission.GenericConfigure, hudson.security.Permission.GenericUpdate, "
               "hudson.security.Permission.GenericWrite, hudson.model.Hudson.Administer"},
    RightWords{Right::job_create, "hudson.model.Item.Create", "Job/Create",
               "hudson.security.Permission.GenericCreate, hudson.security.Permission.GenericWrite, "
               "hudson.model.Hudson.Administer"},
    RightWords{Right::job_delete, "hudson.model.Item.Delete", "Job/Delete",
               "hudson.security.Permission.GenericDelete, hudson.security.Permission.GenericWrite, "
               "hudson.model.Hudson.Administer"},
};

constexpr std::string_view kIdentity =
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAt9lbPYmRJzcKZGGUpIXFzfHOZPwJ0ACPJuKW1BnXon9UvUhsyv3omP3dUKl6"
    "lDah"
    "+Wkww6cQkg7f0rq9VeJt2Cfj+ZJZ1wpOC4QwysUBfbKowOjOq9HdG/t1wYguo6Ql1zQ6+yaMWxMgV7WIzE9oJmezELsM83/"
    "+OwAPaC6tCzxDElLBN0OTzPJUvTk9CxJ+NExsiJIqq8UvRLx/"
    "DRKqrWaOSOR95zeqQw7rzdZv0drGxuv789k1CsfVRPEdJDdMdhrNqW3J2bwp"
    "z9hVJdh9j6MD6yMGQ4YfCSiwcdgbbpf5mUzCXp+1MctotcgBOVpHdJ5/ZkiFYYPefrkT75/wawIDAQAB";

}  // namespace

Answer FakeJenkins::handle(const Request& request, base::Instant now) {
  move_to(now);
  if (phase_ == Phase::down) return {};
  Api api(*this, request);
  ++calls_[api.kind()];
  base::Duration slower{0};
  bool lose = false;
  for (auto& fault : faults_) {
    if (fault.times == 0 || (!fault.method.empty() && fault.method != request.method) ||
        !request.target.contains(fault.path)) {
      continue;
    }
    if (fault.times > 0) --fault.times;
    if (fault.kind == Fault::Kind::proxy_page) return make_proxy_page(fault.status);
    if (fault.kind == Fault::Kind::lost_request) return {};
    lose = lose || fault.kind == Fault::Kind::lost_answer;
    if (fault.kind == Fault::Kind::slow) slower = fault.takes;
    break;
  }
  auto answer = api.answer();
  if (lose) return {};
  const auto& timing = settings_.timing;
  const auto span = request.target.ends_with("doCreateItem")              ? timing.create_answer
                    : request.target.ends_with("-agent.jnlp")             ? timing.secret_answer
                    : request.method == "GET" || request.method == "HEAD" ? timing.list_answer
                                                                          : timing.change_answer;
  if (request.method == "HEAD") answer.body.clear();
  answer.takes = pick(span) + slower;
  answer.headers.emplace_back("Date", format_date(now_ + settings_.clock_offset));
  return answer;
}

Api::Api(FakeJenkins& jenkins, const Request& request)
    : jenkins_(jenkins),
      request_(request),
      target_(parse_target(request.target)),
      page_{jenkins.settings_.version, jenkins.session_},
      language_(parse_language(find_header(request.headers, "Accept-Language").value_or(""))),
      views_(jenkins, caller_.rights, language_) {}

std::string Api::kind() const {
  std::string path;
  for (std::size_t i = 0; i < target_.segments.size(); ++i) {
    const auto& segment = target_.segments[i];
    const bool named = i > 0 && (target_.segments[i - 1] == "computer" || target_.segments[i - 1] == "job" ||
                                 target_.segments[i - 1] == "label" || target_.segments[i - 1] == "item");
    const bool is_name = named && segment != "api" && segment != "doCreateItem";
    path += "/" + (is_name ? std::string("*") : segment);
  }
  return request_.method + " " + (path.empty() ? "/" : path);
}

Answer Api::answer() {
  using Phase = FakeJenkins::Phase;
  if (jenkins_.phase_ == Phase::starting) return make_starting(page_, !is_get());
  if (jenkins_.phase_ == Phase::unsure && find_header(request_.headers, "Authorization")) {
    return answer_while_unsure();
  }
  if (auto refused = authenticate()) return *refused;
  if (auto open = route_open()) return *open;
  if (caller_.anonymous) return make_login_needed(page_, request_.target);
  if (auto denied = need(Right::overall_read)) return *denied;
  return route();
}

// Users are not loaded yet: a valid token is none.
Answer Api::answer_while_unsure() {
  const auto half = jenkins_.unsure_since_ + jenkins_.settings_.timing.unsure / 2;
  if (!is_get() && jenkins_.now_ < half) {
    return make_container_page(403, "No valid crumb was included in the request");
  }
  return make_unauthorized(is_get());
}

std::optional<Answer> Api::authenticate() {
  const auto header = find_header(request_.headers, "Authorization");
  if (!header) return std::nullopt;
  const auto credentials = parse_basic(*header);
  const auto user = credentials ? jenkins_.users_.find(credentials->user) : jenkins_.users_.end();
  if (user == jenkins_.users_.end() ||
      (credentials->secret != user->second.token && credentials->secret != user->second.password)) {
    return make_unauthorized(is_get());
  }
  caller_.name = user->first;
  caller_.anonymous = false;
  caller_.by_password = credentials->secret == user->second.password;
  caller_.rights = user->second.rights;
  if (!caller_.by_password || is_get()) return std::nullopt;
  // A password needs a crumb, and the session that the crumb was made for.
  const auto crumb = find_header(request_.headers, "Jenkins-Crumb");
  const auto cookie = find_header(request_.headers, "Cookie").value_or("");
  const auto mark = cookie.find("JSESSIONID=");
  const auto session = mark == std::string_view::npos
                           ? std::string()
                           : std::string(cookie.substr(mark + 11, cookie.find(';', mark) - mark - 11));
  const auto known = jenkins_.sessions_.find(session);
  if (crumb && known != jenkins_.sessions_.end() && known->second.crumb == *crumb) return std::nullopt;
  auto refused = make_container_page(403, "No valid crumb was included in the request");
  if (crumb) refused.headers.emplace_back("Set-Cookie", "JSESSIONID=invented-session-id; Path=/; HttpOnly");
  return refused;
}

std::optional<Answer> Api::need(Right right) {
  if (has_right(caller_.rights, right)) return std::nullopt;
  if (caller_.anonymous) return make_login_needed(page_, request_.target);
  for (const auto& words : kRights) {
    if (words.right == right) {
      return make_denied(page_, caller_.name, words.permission, words.title, words.implied_by);
    }
  }
  return not_found();
}

Answer Api::json(const Show& show) {
  const auto tree = find_field(target_.query, "tree");
  const auto depth = find_field(target_.query, "depth");
  auto asked = tree ? Selection::by_tree(*tree)
                    : base::Result<Selection>(
                          Selection::by_depth(base::find_number<int>(depth.value_or("0")).value_or(0)));
  if (!asked) {
    jenkins_.note_violation(asked.error().message);
    return oops(500);
  }
  return json_text(boost::json::serialize(show(*asked)));
}

Answer Api::json_text(std::string text) {
  return {200,
          {{"Cache-Control", "private"},
           {"X-Content-Type-Options", "nosniff"},
           {"X-Jenkins", page_.version},
           {"X-Jenkins-Session", page_.session},
           {"X-Frame-Options", "deny"},
           {"Content-Type", "application/json;charset=UTF-8"}},
          std::move(text)};
}

Answer Api::oops(int status) {
  const auto id = base::to_hex(base::sha256(request_.target + std::to_string(jenkins_.now_.us)));
  return make_oops(page_, status,
                   fmt::format("{}-{}-4{}-8{}-{}", id.substr(0, 8), id.substr(8, 4), id.substr(12, 3),
                               id.substr(15, 3), id.substr(18, 12)));
}

std::string Api::form_field(std::string_view name) const {
  const auto field = find_field(parse_form(request_.body), name);
  return field ? *field : find_field(target_.query, name).value_or("");
}

std::optional<Answer> Api::route_open() {
  const auto& path = target_.segments;
  if (path.empty()) return std::nullopt;
  if (path[0] == "login" && is_get()) return make_login_page(page_);
  if (path[0] == "tcpSlaveAgentListener" && path.size() == 1) {
    if (!target_.ends_with_slash) {
      auto redirect = make_redirect("/tcpSlaveAgentListener/");
      redirect.headers.emplace_back("Cache-Control", "private");
      return redirect;
    }
    auto answer = make_text("text/plain;charset=UTF-8", "\n\n  Jenkins\n");
    const auto port = std::to_string(jenkins_.settings_.agent_port);
    answer.headers.emplace_back("X-Hudson-JNLP-Port", port);
    answer.headers.emplace_back("X-Jenkins-JNLP-Port", port);
    answer.headers.emplace_back("X-Instance-Identity", kIdentity);
    answer.headers.emplace_back("X-Jenkins-Agent-Protocols", "JNLP4-connect, Ping");
    answer.headers.emplace_back("X-Remoting-Minimum-Version", "3107.v665000b_51092");
    return answer;
  }
  if (path[0] == "jnlpJars" && path.size() == 2 && path[1] == "agent.jar" && is_get()) {
    auto answer = make_text("application/octet-stream", is("HEAD") ? std::string() : std::string(kAgentJar));
    answer.headers.emplace_back("Content-Disposition", "attachment; filename=agent.jar");
    answer.headers.emplace_back("Last-Modified", "Mon, 23 Nov 2026 17:03:20 GMT");
    answer.headers.emplace_back("Expires", "Mon, 23 Nov 2026 17:03:20 GMT");
    answer.headers.emplace_back("Accept-Ranges", "bytes");
    return answer;
  }
  if (path[0] == "whoAmI") {
    return json([&](const Selection& asked) {
      Export out(asked, "hudson.security.WhoAmI");
      out.add("anonymous", caller_.anonymous).add("authenticated", true);
      out.add("authorities", boost::json::array{caller_.anonymous ? "anonymous" : "authenticated"});
      return out.add("name", caller_.name).done();
    });
  }
  return std::nullopt;
}

Answer Api::route() {
  const Segments path(target_.segments);
  if (path.empty()) {
    if (!is_get()) return make_post_needed(page_, jenkins_.settings_.url);
    auto page = make_page(page_, 200, "Dashboard - Jenkins", "<h1>Dashboard</h1>");
    page.headers.emplace_back("X-Instance-Identity", kIdentity);
    return page;
  }
  if (path[0] == "api" && path.size() == 2 && path[1] == "json" && is_get()) {
    return json([&](const Selection& asked) { return views_.show_root(asked); });
  }
  if (path[0] == "crumbIssuer" && is_get()) {
    const auto session = fmt::format("session-{}", jenkins_.sessions_.size() + 1);
    const auto crumb = base::to_hex(base::sha256(session + jenkins_.settings_.key));
    jenkins_.sessions_[session] = {crumb, caller_.name};
    auto answer = json([&](const Selection& asked) {
      Export out(asked, "hudson.security.csrf.DefaultCrumbIssuer");
      return out.add("crumb", crumb).add("crumbRequestField", "Jenkins-Crumb").done();
    });
    answer.headers.emplace_back("Set-Cookie", fmt::format("JSESSIONID={}; Path=/; HttpOnly", session));
    return answer;
  }
  if (path[0] == "queue") return route_queue(path.subspan(1));
  if (path[0] == "computer") return route_computers(path.subspan(1));
  if (path[0] == "label" && path.size() > 1) return route_label(path.subspan(1));
  if (path[0] == "job") return route_jobs(path);
  return route_process();
}

Answer Api::route_process() {
  const Segments path(target_.segments);
  const auto& what = path[0];
  if (path.size() != 1 || (what != "exit" && what != "quietDown" && what != "cancelQuietDown"))
    return not_found();
  if (auto denied = need(Right::administer)) return *denied;
  if (!is("POST")) return make_post_needed(page_, jenkins_.settings_.url + what);
  if (what == "exit") {
    jenkins_.restart(true, std::chrono::seconds(2), jenkins_.now_);
    return {200,
            {{"X-Content-Type-Options", "nosniff"}, {"Content-Type", "text/plain;charset=ISO-8859-1"}},
            "Shutting down\n"};
  }
  jenkins_.quieting_ = what == "quietDown";
  jenkins_.ask_for_round();
  return make_redirect("/");
}

Answer Api::route_queue(Segments rest) {
  if (rest.size() == 2 && rest[0] == "api" && rest[1] == "json" && is_get()) {
    if (!find_header(request_.headers, "Accept-Language")) {
      jenkins_.note_violation("the queue is read without Accept-Language: its words depend on it");
    }
    return json([&](const Selection& asked) { return views_.show_queue(asked); });
  }
  if (rest.size() == 1 && rest[0] == "cancelItem") return cancel_item();
  if (rest.size() == 4 && rest[0] == "item" && rest[2] == "api" && is_get()) {
    const auto id = base::find_number<std::int64_t>(rest[1]);
    const auto* item = id ? jenkins_.find_item(*id) : nullptr;
    if (item == nullptr || !has_right(caller_.rights, Right::job_read)) return not_found();
    return json([&](const Selection& asked) { return views_.show_item(*item, asked); });
  }
  return not_found();
}

Answer Api::cancel_item() {
  if (!is("POST")) return make_post_needed(page_, jenkins_.settings_.url + "queue/cancelItem");
  const auto id = base::find_number<std::int64_t>(form_field("id"));
  const auto* item = id ? jenkins_.find_item(*id) : nullptr;
  if (item == nullptr) return oops(404);
  if (!has_right(caller_.rights, Right::job_cancel)) return oops(422);
  if (!jenkins_.cancel(*id, jenkins_.now_)) return oops(500);
  return {204, {{"X-Content-Type-Options", "nosniff"}}};
}

Answer Api::route_label(Segments rest) {
  const auto label = Label::parse(rest[0]);
  if (!label || rest.size() != 3 || rest[1] != "api" || !is_get()) return not_found();
  return json([&](const Selection& asked) { return views_.show_label(*label, asked); });
}

}  // namespace footman::fake_jenkins
