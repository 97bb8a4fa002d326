#include "jenkins/record_json.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>
#include <concepts>
#include <stdexcept>

namespace footman::jenkins {
namespace {

namespace json = boost::json;

constexpr int kRecordVersion = 1;

constexpr std::array kPhases = {NodePhase::planned, NodePhase::held,  NodePhase::open, NodePhase::working,
                                NodePhase::over,    NodePhase::noted, NodePhase::going};
constexpr std::array kLinks = {NodeLink::never, NodeLink::up, NodeLink::down};

std::string_view to_string(NodeLink link) {
  return link == NodeLink::never ? "never" : link == NodeLink::up ? "up" : "down";
}

// Each member of a record once, for both ways.
class RecordWriter {
 public:
  explicit RecordWriter(json::object& out) : out_(out) {}

  void text(std::string_view name, const std::string& value) { out_[name] = value; }
  void flag(std::string_view name, bool value) { out_[name] = value; }
  void number(std::string_view name, std::integral auto value) { out_[name] = value; }
  void instant(std::string_view name, Instant value) { out_[name] = value.us; }
  void later_text(std::string_view name, const std::string& value) { text(name, value); }
  void later_instant(std::string_view name, Instant value) { instant(name, value); }
  void later_duration(std::string_view name, Duration value) { out_[name] = value.count(); }
  template <class Id>
  void id(std::string_view name, const Id& value) {
    out_[name] = value.str();
  }
  void texts(std::string_view name, const std::vector<std::string>& value) {
    out_[name] = json::array(value.begin(), value.end());
  }
  void phase(std::string_view name, NodePhase value) { out_[name] = jenkins::to_string(value); }
  void link(std::string_view name, NodeLink value) { out_[name] = to_string(value); }
  void reason(std::string_view name, model::EndReason value) { out_[name] = model::to_string(value); }

 private:
  json::object& out_;
};

class RecordReader {
 public:
  explicit RecordReader(const json::object& in) : in_(in) {}

  void text(std::string_view name, std::string& value) const { value = text_of(name); }
  void flag(std::string_view name, bool& value) const { value = in_.at(name).as_bool(); }
  template <std::integral Number>
  void number(std::string_view name, Number& value) const {
    value = in_.at(name).to_number<Number>();
  }
  void instant(std::string_view name, Instant& value) const {
    value.us = in_.at(name).to_number<std::int64_t>();
  }
  // Records of older versions lack these.
  void later_text(std::string_view name, std::string& value) const {
    if (in_.contains(name)) value = text_of(name);
  }
  void later_instant(std::string_view name, Instant& value) const {
    if (in_.contains(name)) instant(name, value);
  }
  void later_duration(std::string_view name, Duration& value) const {
    if (const auto* found = in_.if_contains(name)) value = Duration(found->to_number<std::int64_t>());
  }
  template <class Id>
  void id(std::string_view name, Id& value) const {
    value = Id(text_of(name));
  }
  void texts(std::string_view name, std::vector<std::string>& value) const {
    value = json::value_to<std::vector<std::string>>(in_.at(name));
  }
  void phase(std::string_view name, NodePhase& value) const {
    value = one_of(kPhases, name, [](NodePhase one) { return jenkins::to_string(one); });
  }
  void link(std::string_view name, NodeLink& value) const {
    value = one_of(kLinks, name, [](NodeLink one) { return to_string(one); });
  }
  void reason(std::string_view name, model::EndReason& value) const {
    const auto found = model::find_end_reason(text_of(name));
    if (!found) throw std::invalid_argument(fmt::format("'{}' is not known", name));
    value = *found;
  }

 private:
  std::string text_of(std::string_view name) const { return json::value_to<std::string>(in_.at(name)); }
  template <class All>
  typename All::value_type one_of(const All& all, std::string_view name, auto spell) const {
    const auto said = text_of(name);
    for (const auto one : all)
      if (spell(one) == said) return one;
    throw std::invalid_argument(fmt::format("'{}' is not known", name));
  }

  const json::object& in_;
};

template <class Way, class Record>
void go_through(Way way, Record& r) {
  way.id("controller", r.controller);
  way.id("agent", r.agent);
  way.number("attempt", r.attempt);
  way.text("node", r.node);
  way.texts("labels", r.labels);
  way.number("max_builds", r.max_builds);
  way.flag("is_default", r.is_default);
  way.text("item_key", r.item.key);
  way.text("item_label", r.item.label);
  way.instant("item_since", r.item.since);
  way.text("item_title", r.item.title);
  way.later_text("key_hash", r.key_hash);
  way.later_duration("secret_lifetime_us", r.secret_lifetime);
  way.phase("phase", r.phase);
  way.link("link", r.link);
  way.text("session", r.session);
  way.number("released_id", r.released_id);
  way.text("released_key", r.released_key);
  way.text("released_run", r.released_run);
  way.number("builds_done", r.builds_done);
  way.text("working_on", r.build.item);
  way.text("working_title", r.build.title);
  way.text("build", r.build.path);
  way.flag("is_pipeline", r.build.is_pipeline);
  way.flag("is_guess", r.build.is_guess);
  way.instant("created", r.created);
  way.instant("connected_at", r.connected_at);
  way.instant("idle_since", r.idle_since);
  way.instant("silent_since", r.silent_since);
  way.instant("working_since", r.build.since);
  way.instant("resume_since", r.build.resume_since);
  way.later_instant("build_ended", r.build.ended);
  way.text("awaited_build", r.awaited.path);
  way.text("awaited_working_on", r.awaited.item);
  way.text("awaited_working_title", r.awaited.title);
  way.instant("awaited_working_since", r.awaited.since);
  way.instant("awaited_since", r.awaited.resume_since);
  way.flag("drained", r.drained);
  way.flag("lost", r.lost);
  way.reason("end_reason", r.end_reason);
  way.text("detail", r.detail);
  way.number("violations", r.violations);
  way.text("note", r.note);
  way.flag("note_shown", r.note_shown);
  way.instant("note_until", r.note_until);
}

}  // namespace

std::string encode_record(const NodeRecord& record) {
  json::object object{{"version", kRecordVersion}};
  go_through(RecordWriter(object), record);
  return json::serialize(object);
}

Result<NodeRecord> parse_record(std::string_view text) {
  try {
    const auto value = json::parse(text);
    const auto& object = value.as_object();
    if (object.at("version").to_number<int>() != kRecordVersion)
      return fail(Errc::unsupported, "the record of a node was written by another version of Footman");
    NodeRecord record;
    go_through(RecordReader(object), record);
    record.awaited.is_pipeline = !record.awaited.path.empty();  // only such are awaited
    return record;
  } catch (const std::exception& error) {
    return fail(Errc::corrupt, std::string("the record of a node cannot be read: ") + error.what());
  }
}

}  // namespace footman::jenkins
