#include "apps/footman/jenkins_book.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "jenkins/record_json.hpp"

namespace footman::app {
namespace {

namespace json = boost::json;

using base::Result;
using base::Status;
using jenkins::NodeRecord;
using runtime::Awaitable;

std::string key_prefix(const base::ControllerName& controller) {
  return fmt::format("jenkins/{}/", controller.str());
}

constexpr std::string_view kViolations = "jenkins-violations/";
constexpr std::string_view kKnown = "jenkins-known/";

std::vector<std::string> read_texts(const json::value* value) {
  std::vector<std::string> texts;
  if (value == nullptr || !value->is_array()) return texts;
  for (const auto& one : value->get_array())
    if (one.is_string()) texts.emplace_back(one.get_string());
  return texts;
}

json::value parse_text(const std::string& text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  return error ? json::value() : value;
}

std::string key_of(const base::ControllerName& controller, const base::AgentId& agent) {
  return key_prefix(controller) + agent.str();
}

}  // namespace

Awaitable<Result<std::vector<NodeRecord>>> JenkinsBook::load(base::ControllerName controller) {
  FOOTMAN_CO_TRY(const auto kept, co_await store_.list_settings(key_prefix(controller)));
  std::vector<NodeRecord> records;
  for (const auto& [key, text] : kept) {
    auto record = jenkins::parse_record(text);
    if (record && key != key_of(record->controller, record->agent))
      record = base::fail(base::Errc::corrupt, "the record of a node is another agent's");
    if (!record)
      co_return base::fail(
          record.error().code, record.error().message, key,
          "Nothing is launched or deleted as long as it stands. Start the version of Footman that wrote it.");
    records.push_back(std::move(*record));
  }
  co_return records;
}

Awaitable<Status> JenkinsBook::put(NodeRecord record) {
  return store_.save_setting(key_of(record.controller, record.agent), jenkins::encode_record(record));
}

Awaitable<Status> JenkinsBook::erase(base::ControllerName controller, base::AgentId agent) {
  return store_.save_setting(key_of(controller, agent), "");
}

Awaitable<Result<std::vector<std::string>>> JenkinsBook::load_violations(base::ControllerName controller) {
  FOOTMAN_CO_TRY(const auto text, co_await store_.find_setting(std::string(kViolations) + controller.str()));
  const auto value = parse_text(text.value_or("[]"));
  co_return read_texts(&value);
}

Awaitable<Status> JenkinsBook::save_violations(base::ControllerName controller,
                                               std::vector<std::string> sentences) {
  json::array list;
  for (const auto& one : sentences) list.emplace_back(one);
  return store_.save_setting(std::string(kViolations) + controller.str(), json::serialize(list));
}

Awaitable<Result<std::map<std::string, KnownJenkins>>> JenkinsBook::list_known() {
  FOOTMAN_CO_TRY(const auto kept, co_await store_.list_settings(std::string(kKnown)));
  std::map<std::string, KnownJenkins> known;
  for (const auto& [key, text] : kept) {
    const auto value = parse_text(text);
    const auto* object = value.if_object();
    const auto* url = object == nullptr ? nullptr : object->if_contains("url");
    if (url == nullptr || !url->is_string()) continue;
    known[key.substr(kKnown.size())] = {std::string(url->get_string()),
                                        read_texts(object->if_contains("prefixes"))};
  }
  co_return known;
}

Awaitable<Status> JenkinsBook::save_known(std::string name, KnownJenkins known) {
  json::array prefixes;
  for (const auto& one : known.prefixes) prefixes.emplace_back(one);
  auto text = json::serialize(json::object{{"url", known.url}, {"prefixes", std::move(prefixes)}});
  return store_.save_setting(std::string(kKnown) + name, std::move(text));
}

Awaitable<Status> JenkinsBook::forget_known(std::string name) {
  return store_.save_setting(std::string(kKnown) + name, "");
}

}  // namespace footman::app
