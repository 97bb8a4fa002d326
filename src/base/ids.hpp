// Strong ids: an AgentId is not a BuildId. Text ids wrap a string, number ids a 64-bit integer that starts
// at 1.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace footman::base {

template <class Tag>
class TextId {
 public:
  TextId() = default;
  explicit TextId(std::string value) : value_(std::move(value)) {}
  const std::string& str() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const TextId&) const = default;

 private:
  std::string value_;
};

template <class Tag>
class NumberId {
 public:
  constexpr NumberId() = default;
  constexpr explicit NumberId(std::int64_t value) : value_(value) {}
  constexpr std::int64_t value() const { return value_; }
  constexpr bool empty() const { return value_ == 0; }
  std::string str() const { return std::to_string(value_); }
  constexpr auto operator<=>(const NumberId&) const = default;

 private:
  std::int64_t value_ = 0;
};

using AgentId = TextId<struct AgentIdTag>;  // "local-k3v9q2m7": also the agent's name
using InstallationId = TextId<struct InstallationIdTag>;
using CloudName = TextId<struct CloudNameTag>;
using TemplateName = TextId<struct TemplateNameTag>;
using ControllerName = TextId<struct ControllerNameTag>;
using JobPath = TextId<struct JobPathTag>;            // "team/app"
using BuildId = NumberId<struct BuildIdTag>;          // unique in the installation, never re-used
using QueueItemId = NumberId<struct QueueItemIdTag>;  // never re-used
using AssignmentId = NumberId<struct AssignmentIdTag>;
using StreamId = NumberId<struct StreamIdTag>;  // one log stream

}  // namespace footman::base

template <class Tag>
struct std::hash<footman::base::TextId<Tag>> {
  std::size_t operator()(const footman::base::TextId<Tag>& id) const {
    return std::hash<std::string>()(id.str());
  }
};
template <class Tag>
struct std::hash<footman::base::NumberId<Tag>> {
  std::size_t operator()(const footman::base::NumberId<Tag>& id) const {
    return std::hash<std::int64_t>()(id.value());
  }
};
