#include "cloud/ecs/last_lines.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "aws/json_fields.hpp"
#include "ports/last_lines.hpp"

namespace footman::cloud::ecs {
namespace {

namespace json = boost::json;

// The messages of GetLogEvents, one after the other; of much their end.
std::string join_messages(const json::object& answer) {
  std::string text;
  const auto* events = answer.if_contains("events");
  if (events == nullptr || !events->is_array()) return text;
  for (const auto& event : events->get_array())
    if (event.is_object()) text += footman::aws::text_of(event.get_object(), "message") + "\n";
  if (text.size() > kLinesBytes) text.erase(0, text.size() - kLinesBytes);
  return text;
}

}  // namespace

LastLines::LastLines(Api& api, aws::Client& logs, std::string region, runtime::Clock& clock, Logger log,
                     Found found)
    : api_(api),
      logs_(logs),
      region_(std::move(region)),
      clock_(clock),
      log_(std::move(log)),
      found_(std::move(found)) {}

void LastLines::want(EndedTask task) {
  const auto now = clock_.steady();
  if (now < refused_until_ || wanted_.size() >= kAgentsWithoutWords || task.definition.empty()) return;
  wanted_.emplace(now, Wanted{std::move(task)});
  wake_.notify();
}

Awaitable<void> LastLines::run() {
  while (true) {
    if (wanted_.empty()) {
      co_await wake_.wait();
    } else if (const auto first = wanted_.begin()->first; first > clock_.steady()) {
      (void)co_await wake_.wait_for(clock_, first - clock_.steady());
    } else {
      co_await look_for(std::move(wanted_.extract(wanted_.begin()).mapped()));
    }
  }
}

Awaitable<void> LastLines::look_for(Wanted wanted) {
  auto lines = co_await read(wanted.task);
  if (!lines) co_return on_failure(lines.error());
  if (!lines->empty()) co_return found_(wanted.task.arn, std::move(*lines));
  if (!wanted.is_repeat) wanted_.emplace(clock_.steady() + kLinesLag, Wanted{std::move(wanted.task), true});
}

// Empty: there are none, or none yet.
Awaitable<CallResult<std::string>> LastLines::read(EndedTask task) {
  auto place = co_await find_place(task);
  if (!place) co_return std::unexpected(std::move(place).error());
  if (!*place || (!(*place)->region.empty() && (*place)->region != region_)) co_return std::string();
  const json::object request{{"logGroupName", (*place)->group},
                             {"logStreamName", (*place)->stream_prefix + task.id},
                             {"limit", kLinesWanted},
                             {"startFromHead", false}};
  auto answer = co_await logs_.call_json({"GetLogEvents",
                                          json::serialize(request),
                                          {},
                                          true,
                                          {{aws::ApiCategory::log_read}},
                                          aws::Urgency::read});
  if (answer) co_return ports::pick_last_lines(join_messages(*answer));
  if (answer.error().code == "ResourceNotFoundException") co_return std::string();
  co_return std::unexpected(std::move(answer).error());
}

Awaitable<CallResult<std::optional<footman::ecs::LogPlace>>> LastLines::find_place(EndedTask task) {
  const auto key = task.definition + " " + task.container;
  if (const auto known = places_.find(key); known != places_.end()) co_return known->second;
  auto found = co_await api_.find_log_place(task.definition, task.container);
  if (!found) co_return std::unexpected(std::move(found).error());
  if (places_.size() >= kDefinitionsRemembered) places_.clear();
  co_return places_[key] = std::move(*found);
}

// Who may not read asks seldom.
void LastLines::on_failure(const aws::CallFailure& failure) {
  log_.info("what an agent said last is not known", {{"error", failure.message}});
  if (failure.failure != model::FailureClass::permission) return;
  refused_until_ = clock_.steady() + kLinesAfterRefusal;
  wanted_.clear();
}

}  // namespace footman::cloud::ecs
