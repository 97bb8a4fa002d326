#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/address.hpp"
#include "config/own_machine.hpp"
#include "config/sections.hpp"
#include "model/agent.hpp"
#include "model/work.hpp"

namespace footman::config {
namespace {

constexpr std::size_t kMaxNameBytes = 40;
constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
// What Jenkins takes in the name of a node, without spaces.
constexpr std::string_view kPrefixLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
constexpr std::string_view kAfter = "after ";
constexpr Duration kMostOverflow = 24h;

bool consists_of(std::string_view text, std::string_view letters) {
  return text.size() <= kMaxNameBytes && text.find_first_not_of(letters) == text.npos;
}

bool is_web(std::string_view url) { return url.starts_with("https://") || url.starts_with("http://"); }

std::optional<JenkinsOverflow> find_overflow(const std::string& text) {
  if (text == "never") return JenkinsOverflow{JenkinsOverflow::When::never, {}};
  if (text == "when-busy") return JenkinsOverflow{JenkinsOverflow::When::when_busy, {}};
  if (!text.starts_with(kAfter)) return std::nullopt;
  const auto after = parse_duration(text.substr(kAfter.size()));
  if (!after || *after <= Duration(0) || *after > kMostOverflow) return std::nullopt;
  return JenkinsOverflow{JenkinsOverflow::When::after, *after};
}

class JenkinsReader {
 public:
  JenkinsReader(Reader& reader, const Config& server) : reader_(reader), server_(server) {}

  JenkinsConfig read(const YamlNode& node) {
    JenkinsConfig j;
    if (!reader_.check_keys(node, "jenkins[]")) return j;
    read_name(node, j.name);
    read_access(node, j);
    read_agents(node, j);
    read_served(node, j);
    return j;
  }

 private:
  void read_name(const YamlNode& node, std::string& name) {
    reader_.get(node, "name", name);
    if (name.empty())
      reader_.error(node.at, "a Jenkins needs a 'name'");
    else if (name == model::kBuiltInController)
      reader_.error(node.place_of("name"), fmt::format("'name': '{}' is the built-in controller", name));
    else if (!consists_of(name, kNameLetters))
      reader_.error(node.place_of("name"),
                    "'name': 1 to 40 lower-case letters, digits and '-' were expected");
    else if (!names_.insert(name).second)
      reader_.error(node.at, fmt::format("the Jenkins '{}' is there twice", name));
  }

  // Whether it may be used without TLS is for this machine to say of `url`, for agents of `agent_url`.
  void read_url(const YamlNode& node, std::string_view key, std::string& url, bool insecure) {
    reader_.get(node, key, url);
    if (url.empty()) return;
    const auto at = node.place_of(key);
    if (!is_web(url) || host_of(url).empty())
      reader_.error(
          at, fmt::format("'{}': the URL of a Jenkins was expected, like https://jenkins.example.com/", key));
    else if (url.substr(0, url.find('/', url.find("://") + 3)).contains('@'))
      reader_.error(at,
                    fmt::format("'{}': a URL without user name and password was expected: there are 'user' "
                                "and 'token'",
                                key));
    else if (const auto port = split_authority(url).port; port && !is_port(*port))
      reader_.error(
          at, fmt::format("'{}': a port from 1 to 65535 was expected after the host, or none; found '{}'",
                          key, *port));
    else if (!is_host_of(split_authority(url)))
      reader_.error(at, fmt::format("'{}': a name of DNS or an address was expected after the scheme, like "
                                    "https://jenkins.example.com/; found '{}'",
                                    key, host_of(url)));
    else if (url.find_first_of("?# ") != url.npos)
      reader_.error(at, fmt::format("'{}': a URL without query was expected", key));
    else if (url.starts_with("http://") && !insecure && !base::is_loopback_host(host_of(url)))
      reader_.error(
          at, fmt::format("'{}': a connection without TLS beyond this machine needs 'insecure: true'", key));
    else if (!url.ends_with('/'))
      url += '/';
  }

  void read_access(const YamlNode& node, JenkinsConfig& j) {
    reader_.get(node, "insecure", j.insecure);
    read_url(node, "url", j.url, j.insecure);
    reader_.get(node, "user", j.user);
    reader_.get(node, "ca", j.ca);
    for (const auto* key : {"url", "user", "token"})
      if (node.find(key) == nullptr) reader_.error(node.at, fmt::format("a Jenkins needs a '{}'", key));
    if (j.user.find(':') != j.user.npos)
      reader_.error(node.place_of("user"), "'user': there is no ':' in names");
    const auto* token = node.find("token");
    if (token == nullptr) return;
    if (token->text.find("${env:") == token->text.npos && !token->text.starts_with("file:"))
      return reader_.error(token->at,
                           "'token': it is a secret and does not belong into this file: say "
                           "file:PATH or ${env:NAME}");
    reader_.read(*token, "token", j.token);
    if (token->text.starts_with("file:")) j.token_file = token->text.substr(5);
    if (reader_.error_count() == 0 && j.token.empty()) reader_.error(token->at, "'token': it is empty");
  }

  void read_agents(const YamlNode& node, JenkinsConfig& j) {
    read_url(node, "agent_url", j.agent_url, j.insecure);
    reader_.get_parsed(
        node, "connect", j.connect,
        [](const std::string& text) -> std::optional<Connect> {
          if (text == "websocket") return Connect::websocket;
          if (text == "tcp") return Connect::tcp;
          return std::nullopt;
        },
        "websocket or tcp");
    reader_.get(node, "tunnel", j.tunnel);
    if (!j.tunnel.empty() && j.connect != Connect::tcp)
      reader_.error(node.place_of("tunnel"),
                    "'tunnel': it leads to Jenkins' agent port, so it needs 'connect: tcp'");
    if (!j.tunnel.empty()) check_tunnel(reader_, j.tunnel, node.place_of("tunnel"));
    reader_.get(node, "prefix", j.prefix);
    if (j.prefix.empty() || !consists_of(j.prefix, kPrefixLetters))
      reader_.error(
          node.place_of("prefix"),
          "'prefix': 1 to 40 letters, digits, '-', '_' and '.' were expected; names of nodes begin so");
    reader_.get(node, "work_folder", j.work_folder);
    if (!j.work_folder.empty() && !j.work_folder.starts_with('/'))
      reader_.error(node.place_of("work_folder"), "'work_folder': an absolute path was expected");
    reader_.get(node, "java_options", j.java_options);
  }

  void read_served(const YamlNode& node, JenkinsConfig& j) {
    if (const auto* list = reader_.list(node, "templates"))
      for (const auto& item : list->items)
        if (const auto name = reader_.text_of(item, "templates")) read_template(item, *name, j);
    reader_.get_parsed(node, "overflow", j.overflow, find_overflow, "never, when-busy or 'after 30s'");
  }

  void read_template(const YamlNode& item, const std::string& name, JenkinsConfig& j) {
    const bool known = std::ranges::any_of(server_.clouds, [&](const CloudConfig& cloud) {
      return std::ranges::find(cloud.templates, name, &TemplateConfig::name) != cloud.templates.end();
    });
    if (!known)
      reader_.error(item.at, fmt::format("'templates': no cloud has a template '{}'", name));
    else if (std::ranges::find(j.templates, name) != j.templates.end())
      reader_.error(item.at, fmt::format("'templates': '{}' is there twice", name));
    else
      j.templates.push_back(name);
  }

  Reader& reader_;
  const Config& server_;
  std::set<std::string> names_;
};

// Agents elsewhere do not reach a Jenkins of this machine by a name that only this machine knows it by.
void check_reach(Reader& reader, const YamlNode& node, const JenkinsConfig& j, const Config& server) {
  const auto& url = j.agent_url.empty() ? j.url : j.agent_url;
  if (!is_web(url) || !is_own_machine(host_of(url))) return;
  for (const auto& cloud : server.clouds)
    for (const auto& t : cloud.templates)
      if (cloud.type != "local" && serves(j, t.name))
        return reader.error(
            node.place_of("agent_url"),
            fmt::format("agents of the template '{}' do not reach the Jenkins '{}' at {}, which is "
                        "their own machine: set agent_url to a URL that they reach",
                        t.name, j.name, host_of(url)));
}

void check_doubles(Reader& reader, const YamlNode& list, const std::vector<JenkinsConfig>& all) {
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (all[i].url == all[k].url && !all[i].url.empty())
        reader.error(list.items[i].place_of("url"),
                     fmt::format("'{}' and '{}' are the same Jenkins", all[k].name, all[i].name));
}

void check_limited_controllers(Reader& reader, const YamlNode& root, const Config& config) {
  const auto* limits = root.find("limits");
  const auto* groups = limits == nullptr ? nullptr : limits->find("controllers");
  if (groups == nullptr || groups->kind != YamlNode::Kind::map) return;
  for (const auto& [name, at] : groups->keys)
    if (name != model::kBuiltInController &&
        std::ranges::find(config.jenkins, name, &JenkinsConfig::name) == config.jenkins.end())
      reader.error(at,
                   fmt::format("'controllers': there is no controller '{}'; the built-in one is '{}', others "
                               "stand below 'jenkins'",
                               name, model::kBuiltInController));
}

}  // namespace

bool serves(const JenkinsConfig& jenkins, const std::string& of_template) {
  return jenkins.templates.empty() ||
         std::ranges::find(jenkins.templates, of_template) != jenkins.templates.end();
}

void read_jenkins(Reader& reader, const YamlNode& root, Config& out) {
  if (const auto* list = reader.list(root, "jenkins")) {
    JenkinsReader all(reader, out);
    for (const auto& node : list->items) {
      out.jenkins.push_back(all.read(node));
      check_reach(reader, node, out.jenkins.back(), out);
    }
    check_doubles(reader, *list, out.jenkins);
  }
  check_limited_controllers(reader, root, out);
}

}  // namespace footman::config
