// Routes under /computer.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "tests/jenkins/api.hpp"

namespace footman::fake_jenkins {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// `stapler-class` or `$class` of a member.
std::string class_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_object()) return {};
  const auto named = text_of(value->as_object(), "stapler-class");
  return named.empty() ? text_of(value->as_object(), "$class") : named;
}

std::optional<int> number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return 1;
  if (value->is_int64()) return static_cast<int>(value->as_int64());
  if (!value->is_string()) return std::nullopt;
  return std::atoi(value->as_string().c_str());  // NOLINT(cert-err34-c): as lenient as Jenkins
}

constexpr std::string_view kUnsafe = "?*/\\%!@#$^&|<>[]:;";

}  // namespace

Answer Api::route_computers(Segments rest) {
  if (rest.size() == 2 && rest[0] == "api" && rest[1] == "json" && is_get()) {
    return json([&](const Selection& asked) { return views_.show_computers(asked); });
  }
  if (rest.size() == 1 && rest[0] == "doCreateItem" && is("POST")) return create_node();
  if (rest.empty() && is_get()) return make_page(page_, 200, "Nodes - Jenkins", "<h1>Nodes</h1>");
  if (rest.empty() || rest[0] == "doCreateItem") {
    jenkins_.note_violation(fmt::format("{} of {}", request_.method, target_.raw_path));
    return not_found();
  }
  const auto found = jenkins_.computers_.find(rest[0]);
  if (found == jenkins_.computers_.end()) return not_found();
  return route_computer(found->second, rest.subspan(1));
}

namespace {

std::string configuration_of(const Computer& computer) {
  return fmt::format(R"(<?xml version="1.1" encoding="UTF-8"?>
<slave>
  <name>{}</name>
  <remoteFS>{}</remoteFS>
  <numExecutors>{}</numExecutors>
  <mode>{}</mode>
  <retentionStrategy class="hudson.slaves.RetentionStrategy$Always"/>
  <launcher class="hudson.slaves.JNLPLauncher">
    <workDirSettings>
      <disabled>false</disabled>
      <internalDir>remoting</internalDir>
      <failIfWorkDirIsMissing>false</failIfWorkDirIsMissing>
    </workDirSettings>
    <webSocket>{}</webSocket>
  </launcher>
  <label>{}</label>
  <nodeProperties/>
</slave>)",
                     escape_html(computer.name), escape_html(computer.remote_fs), computer.executors,
                     computer.exclusive ? "EXCLUSIVE" : "NORMAL", computer.web_socket,
                     escape_html(computer.label_text));
}

}  // namespace

Answer Api::route_computer(Computer& computer, Segments rest) {
  if (rest.empty()) {
    if (is("DELETE")) jenkins_.note_violation("HTTP DELETE of a node: it is answered and deletes nothing");
    return make_page(
        page_, 200, computer.name + " - Jenkins",
        fmt::format("<div class=\"jenkins-app-bar__content\"><h1>\n          Agent {}\n          </h1></div>",
                    escape_html(computer.name)));
  }
  if (rest.size() == 2 && rest[0] == "api" && rest[1] == "json" && is_get()) {
    return json([&](const Selection& asked) { return views_.show_computer(computer, asked); });
  }
  if (rest.size() != 1) return not_found();
  const auto& what = rest[0];
  if ((what == "jenkins-agent.jnlp" || what == "slave-agent.jnlp") && is_get()) return show_secret(computer);
  if (what == "config.xml" && is_get()) {
    if (auto denied = need(Right::agent_configure)) return *denied;
    return make_text("application/xml", configuration_of(computer));
  }
  if (what != "toggleOffline" && what != "doDisconnect" && what != "doDelete") return not_found();
  if (!is("POST")) {
    jenkins_.note_violation(fmt::format("{} of {}", request_.method, what));
    return make_post_needed(
        page_, fmt::format("{}computer/{}/{}", jenkins_.settings_.url, encode_segment(computer.name), what));
  }
  return what == "toggleOffline"  ? toggle_offline(computer)
         : what == "doDisconnect" ? disconnect(computer)
                                  : delete_node(computer);
}

// Who is no administrator changes only what he made.
void Api::watch_node(const Computer& computer, std::string_view what) {
  if (computer.creator == caller_.name || has_right(caller_.rights, Right::administer)) return;
  jenkins_.note_violation(fmt::format("{} calls {} of {}, which {} made", caller_.name, what, computer.name,
                                      computer.creator.empty() ? "somebody else" : computer.creator));
}

Answer Api::create_node() {
  if (auto denied = need(Right::agent_create)) return *denied;
  const auto form = parse_form(request_.body);
  const auto name = find_field(form, "name").value_or("");
  if (name.empty()) return make_form_error(page_, "Query parameter 'name' is required", true);
  if (const auto bad = name.find_first_of(kUnsafe); bad != std::string::npos) {
    return make_form_error(page_, fmt::format("‘{}’ is an unsafe character", name[bad]), false);
  }
  const auto known = jenkins_.computers_.find(name);
  if (known != jenkins_.computers_.end() && !known->second.deleted) {
    return make_form_error(page_, fmt::format("Agent called ‘{}’ already exists", name), false);
  }
  const auto text = find_field(form, "json");
  if (find_field(form, "type") != "hudson.slaves.DumbSlave") return oops(500);
  if (!text) return make_container_page(400, "This page expects a form submission");
  boost::system::error_code error;
  const auto parsed = json::parse(*text, error);
  if (error || !parsed.is_object()) return oops(500);
  const auto& node = parsed.as_object();
  const auto executors = number_of(node, "numExecutors");
  if (!executors) return oops(500);
  Computer computer;
  computer.name = name;
  computer.executors = *executors;
  computer.label_text = text_of(node, "labelString");
  computer.labels = split_labels(computer.label_text);
  computer.exclusive = text_of(node, "mode") == "EXCLUSIVE";
  computer.remote_fs = text_of(node, "remoteFS");
  computer.description = text_of(node, "nodeDescription");
  computer.creator = caller_.name;
  const bool inbound = class_of(node, "launcher") == "hudson.slaves.JNLPLauncher";
  if (inbound) {
    const auto* socket = node.at("launcher").as_object().if_contains("webSocket");
    computer.web_socket = socket != nullptr && socket->is_bool() && socket->as_bool();
  }
  if (!inbound || computer.remote_fs.empty()) {
    jenkins_.note_violation(
        fmt::format("the node {} has no inbound launcher or no remoteFS: it is of no use", name));
  }
  if (!computer.exclusive) {
    jenkins_.note_violation(
        fmt::format("the node {} is not EXCLUSIVE: it takes builds without a label", name));
  }
  jenkins_.add_node(std::move(computer));
  return make_redirect("/computer/");
}

Answer Api::toggle_offline(Computer& computer) {
  if (auto denied = need(Right::agent_disconnect)) return *denied;
  watch_node(computer, "toggleOffline");
  if (computer.held) {
    jenkins_.hold(computer, std::nullopt);
  } else {
    jenkins_.hold(computer, OfflineCause{OfflineCause::Kind::user, caller_.name, form_field("offlineMessage"),
                                         jenkins_.now_});
  }
  return make_redirect(fmt::format("/computer/{}/", encode_segment(computer.name)));
}

// The right is asked for only while there is a channel.
Answer Api::disconnect(Computer& computer) {
  const auto location = fmt::format("/computer/{}/", encode_segment(computer.name));
  if (computer.connection == 0) return make_redirect(location);
  if (auto denied = need(Right::agent_disconnect)) return *denied;
  watch_node(computer, "doDisconnect");
  jenkins_.agent_events_.push_back({AgentEvent::Kind::closed, computer.connection});
  jenkins_.close_channel(
      computer, {OfflineCause::Kind::user, caller_.name, form_field("offlineMessage"), jenkins_.now_});
  jenkins_.after(jenkins_.settings_.timing.broken_after, [own = &jenkins_, name = computer.name] {
    const auto found = own->computers_.find(name);
    if (found == own->computers_.end() || found->second.cause.kind != OfflineCause::Kind::user) return;
    found->second.cause = {OfflineCause::Kind::channel, {}, {}, own->now_};
  });
  jenkins_.ask_for_round();
  return make_redirect(location);
}

Answer Api::delete_node(Computer& computer) {
  if (auto denied = need(Right::agent_delete)) return *denied;
  watch_node(computer, "doDelete");
  auto location = fmt::format("/computer/{}/..", encode_segment(computer.name));
  jenkins_.delete_node(computer.name);
  return make_redirect(std::move(location));
}

Answer Api::show_secret(const Computer& computer) {
  if (auto denied = need(Right::agent_connect)) return *denied;
  std::string xml = "<jnlp><application-desc>";
  const auto add = [&](std::string_view argument) {
    xml += fmt::format("<argument>{}</argument>", escape_html(argument));
  };
  add(jenkins_.secret_of(computer.name));
  add(computer.deleted ? std::string_view() : std::string_view(computer.name));
  if (computer.web_socket) add("-webSocket");
  add("-workDir");
  add(computer.deleted ? std::string_view() : std::string_view(computer.remote_fs));
  add("-internalDir");
  add("remoting");
  add("-url");
  add(jenkins_.settings_.url);
  return make_text("application/x-java-jnlp-file", xml + "</application-desc></jnlp>");
}

}  // namespace footman::fake_jenkins
