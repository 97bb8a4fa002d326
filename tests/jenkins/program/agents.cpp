#include "tests/jenkins/program/agents.hpp"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

namespace footman::fake_jenkins {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxLine = 64 * 1024;
constexpr std::string_view kPreface(
    "\0\x16Protocol:JNLP4-connect\0\x03"
    "ACK",
    29);
constexpr std::string_view kAck(
    "\0\x03"
    "ACK",
    5);

json::object parse_object(std::string_view line) {
  boost::system::error_code error;
  auto value = json::parse(json::string_view(line.data(), line.size()), error);
  return !error && value.is_object() ? std::move(value.as_object()) : json::object();
}

std::string text_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string to_line(json::object object) { return json::serialize(object) + "\n"; }

// The next line of a stream; nothing at its end, or when it is too long. `rest` keeps what came after it.
runtime::Awaitable<std::optional<std::string>> read_line(runtime::ByteStream* stream, std::string* rest) {
  while (!rest->contains('\n')) {
    if (rest->size() > kMaxLine) co_return std::nullopt;
    auto bytes = co_await stream->read(kMaxLine);
    if (!bytes || bytes->empty()) co_return std::nullopt;
    *rest += *bytes;
  }
  const auto end = rest->find('\n');
  auto line = rest->substr(0, end);
  rest->erase(0, end + 1);
  co_return line;
}

}  // namespace

std::optional<BuildResult> find_result(std::string_view word) {
  for (const auto result : {BuildResult::success, BuildResult::unstable, BuildResult::failure,
                            BuildResult::not_built, BuildResult::aborted}) {
    if (to_string(result) == word) return result;
  }
  return std::nullopt;
}

runtime::Awaitable<void> AgentSide::serve_tcp(std::shared_ptr<runtime::ByteStream> stream) {
  std::string bytes;
  while (bytes.size() < kPreface.size()) {
    auto more = co_await stream->read(kPreface.size() - bytes.size());
    if (!more || more->empty()) co_return;  // a probe of the port closes without a byte
    bytes += *more;
    if (!kPreface.starts_with(bytes)) co_return;
  }
  const auto greeted = co_await stream->write(std::string(kAck));
  if (!greeted) co_return;
  std::string rest;
  const auto line = co_await read_line(stream.get(), &rest);
  if (!line) co_return;
  const auto hello = parse_object(*line);
  const auto* same = hello.if_contains("same_workspace");
  const auto connection = jenkins_.connect_agent({text_in(hello, "name"), text_in(hello, "secret"),
                                                  same != nullptr && same->is_bool() && same->as_bool()},
                                                 now_());
  changed_();
  if (!connection) {
    (void)co_await stream->write(to_line({{"error", connection.error().message}}));
    co_return;
  }
  co_await serve(stream, *connection, std::move(rest));
}

runtime::Awaitable<void> AgentSide::serve(std::shared_ptr<runtime::ByteStream> stream,
                                          std::uint64_t connection, std::string rest) {
  const auto link = std::make_shared<Link>();
  link->stream = stream;
  link->outbox = to_line({{"ok", true}});
  link->filled->notify();
  links_[connection] = link;
  const auto read_lines = [](AgentSide* side, std::shared_ptr<Link> of,
                             std::string first) -> runtime::Awaitable<void> {
    while (auto line = co_await read_line(of->stream.get(), &first)) {
      if (!side->take_line(*line)) break;
    }
    of->closed = true;
  };
  using namespace boost::asio::experimental::awaitable_operators;
  co_await (read_lines(this, link, std::move(rest)) || write_outbox(link));
  end(*link, connection);
}

void AgentSide::end(const Link& link, std::uint64_t connection) {
  links_.erase(connection);
  link.stream->close();
  jenkins_.disconnect_agent(connection, now_());
  changed_();
}

runtime::Awaitable<void> AgentSide::serve_remoting(std::shared_ptr<runtime::ByteStream> stream,
                                                   std::uint64_t connection, std::string node) {
  const auto link = std::make_shared<Link>();
  link->stream = stream;
  link->channel = std::make_unique<RemotingChannel>();
  link->channel->ping();
  link->outbox = link->channel->take_output();
  link->filled->notify();
  links_[connection] = link;
  using namespace boost::asio::experimental::awaitable_operators;
  co_await (read_channel(link, std::move(node)) || write_outbox(link));
  end(*link, connection);
}

runtime::Awaitable<void> AgentSide::read_channel(std::shared_ptr<Link> link, std::string node) {
  while (true) {
    const auto bytes = co_await link->stream->read(kMaxLine);
    if (!bytes || bytes->empty() || !link->channel->feed(*bytes)) break;
    pongs_[node] = link->channel->pongs();
    link->outbox += link->channel->take_output();
    link->filled->notify();
  }
  link->closed = true;
}

bool AgentSide::take_line(std::string_view line) {
  const auto message = parse_object(line);
  const auto* work = message.if_contains("done");
  const auto result = find_result(text_in(message, "result"));
  if (work == nullptr || !work->is_int64() || !result) return false;
  jenkins_.finish_work(static_cast<std::uint64_t>(work->as_int64()), *result, now_());
  changed_();
  return true;
}

runtime::Awaitable<void> AgentSide::write_outbox(std::shared_ptr<Link> link) {
  while (!link->closed) {
    co_await link->filled->wait();
    const auto written = co_await link->stream->write(std::exchange(link->outbox, {}));
    if (!written) co_return;
  }
}

void AgentSide::deliver(const AgentEvent& event) {
  const auto found = links_.find(event.connection);
  if (found == links_.end()) return;
  auto& link = *found->second;
  if (link.channel) {
    if (event.kind != AgentEvent::Kind::closed) return;
    link.channel->close();
    link.outbox += link.channel->take_output();
    link.closed = true;  // once that is written
    link.filled->notify();
    return;
  }
  if (event.kind == AgentEvent::Kind::closed) {
    link.closed = true;
    link.stream->close();
  } else if (event.kind == AgentEvent::Kind::stop_work) {
    link.outbox += to_line({{"stop", event.work}});
  } else {
    link.outbox += to_line({{"start", event.work},
                            {"job", event.job},
                            {"number", event.number},
                            {"command", event.command},
                            {"until_told", event.until_told}});
  }
  link.filled->notify();
}

}  // namespace footman::fake_jenkins
