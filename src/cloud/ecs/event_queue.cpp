#include "cloud/ecs/event_queue.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "aws/json_fields.hpp"

namespace footman::cloud::ecs {
namespace {

namespace json = boost::json;
using aws::CallResult;
using footman::aws::text_of;
using runtime::Awaitable;

constexpr int kMessagesAtOnce = 10;  // SQS takes no more

void read_message(const json::object& message, QueuedEvents& out) {
  auto receipt = text_of(message, "ReceiptHandle");
  if (receipt.empty()) return;
  out.receipts.push_back(std::move(receipt));
  if (auto event = footman::ecs::parse_task_event(text_of(message, "Body")))
    out.tasks.push_back(std::move(event->task));
}

}  // namespace

Awaitable<CallResult<QueuedEvents>> EventQueue::receive() {
  const json::object body{
      {"QueueUrl", url_}, {"MaxNumberOfMessages", kMessagesAtOnce}, {"WaitTimeSeconds", kReceiveWait / 1s}};
  auto answer =
      co_await client_.call_json({"ReceiveMessage", json::serialize(body), {}, true, {}, aws::Urgency::read});
  if (!answer) co_return std::unexpected(std::move(answer).error());
  QueuedEvents out;
  const auto* messages = answer->if_contains("Messages");
  if (messages == nullptr || !messages->is_array()) co_return out;
  for (const auto& message : messages->get_array())
    if (message.is_object()) read_message(message.get_object(), out);
  co_return out;
}

Awaitable<CallResult<void>> EventQueue::remove(std::vector<std::string> receipts) {
  json::array entries;
  for (auto& receipt : receipts)
    entries.push_back(
        json::object{{"Id", std::to_string(entries.size())}, {"ReceiptHandle", std::move(receipt)}});
  const json::object body{{"QueueUrl", url_}, {"Entries", std::move(entries)}};
  auto answer = co_await client_.call_json(
      {"DeleteMessageBatch", json::serialize(body), {}, true, {}, aws::Urgency::read});
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return CallResult<void>();
}

}  // namespace footman::cloud::ecs
