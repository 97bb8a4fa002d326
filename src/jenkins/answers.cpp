#include "jenkins/answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "jenkins/html.hpp"
#include "net/http.hpp"

namespace footman::jenkins {
namespace {

namespace json = boost::json;

constexpr std::size_t kPageWords = 200;  // bytes of a page that are shown
constexpr std::size_t kMaxArguments = 64;

std::string cut(std::string_view text) { return std::string(cut_utf8(text, kMaxNameBytes)); }

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return cut(std::string_view(value->get_string()));
}

bool flag_at(const json::object& object, std::string_view name, bool otherwise = false) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

std::optional<std::int64_t> find_number_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

// 0: not told. What is made of it never overflows.
std::int64_t milliseconds_at(const json::object& object, std::string_view name) {
  constexpr std::int64_t kMost = 100'000'000'000'000;  // in 3,000 years
  return std::clamp<std::int64_t>(find_number_at(object, name).value_or(0), 0, kMost);
}

const json::object* find_object(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* find_array(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

std::unexpected<Error> no_such_shape(std::string_view what) {
  return fail(Errc::corrupt, fmt::format("the answer is JSON, but holds no {}", what));
}

Result<json::object> parse_document(std::string_view body) {
  if (body.size() > kMaxAnswerBytes)
    return fail(Errc::corrupt, fmt::format("the answer is longer than {}", format_bytes(kMaxAnswerBytes)));
  boost::system::error_code failed;
  auto document = json::parse(body, failed);
  if (!failed && document.is_object()) return std::move(document.get_object());
  const auto page = find_page_text(body);
  if (!page.empty()) return fail(Errc::corrupt, fmt::format("no JSON came but a page that says '{}'", page));
  return fail(Errc::corrupt, "no JSON came");
}

TaskKind kind_of(std::string_view task_class) {
  if (task_class == "hudson.model.FreeStyleProject") return TaskKind::freestyle;
  if (task_class == "org.jenkinsci.plugins.workflow.job.WorkflowJob") return TaskKind::pipeline;
  if (task_class == "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask")
    return TaskKind::node_step;
  return TaskKind::other;
}

// Class and flags must agree: where they do not, this is not the Jenkins that is known here.
ItemState state_of(const json::object& item) {
  const auto name = text_at(item, "_class");
  const bool is_blocked = flag_at(item, "blocked");
  const bool is_buildable = flag_at(item, "buildable");
  if (name.ends_with("Queue$LeftItem")) return ItemState::left;
  if (name.ends_with("Queue$WaitingItem") && !is_blocked && !is_buildable) return ItemState::waiting;
  if (name.ends_with("Queue$BlockedItem") && is_blocked && !is_buildable) return ItemState::blocked;
  if (name.ends_with("Queue$BuildableItem") && is_buildable && !is_blocked)
    return flag_at(item, "pending") ? ItemState::pending : ItemState::buildable;
  return ItemState::unknown;
}

std::optional<QueueItem> read_item(const json::value& value) {
  const auto* object = value.if_object();
  const auto* task = object == nullptr ? nullptr : find_object(*object, "task");
  if (task == nullptr) return std::nullopt;
  const auto id = find_number_at(*object, "id");
  const auto since = milliseconds_at(*object, "inQueueSince");
  if (!id || *id <= 0 || since == 0) return std::nullopt;
  QueueItem item;
  item.id = *id;
  item.in_queue_since = since;
  item.buildable_since = milliseconds_at(*object, "buildableStartMilliseconds");
  item.state = state_of(*object);
  item.task_class = text_at(*task, "_class");
  item.kind = kind_of(item.task_class);
  item.task_name = text_at(*task, "name");
  const auto* url = task->if_contains("url");
  if (url != nullptr && url->is_string()) item.task = task_path(std::string_view(url->get_string()));
  item.why = text_at(*object, "why");
  const auto* label = task->if_contains("labelExpression");
  if (label != nullptr && label->is_string()) item.label_expression = std::string(label->get_string());
  return item;
}

std::vector<Executor> read_executors(const json::object& computer) {
  std::vector<Executor> executors;
  const auto* list = find_array(computer, "executors");
  if (list == nullptr) return executors;
  for (const auto& value : *list) {
    const auto* object = value.if_object();
    if (object == nullptr || executors.size() == kMaxListed) continue;
    Executor executor;
    executor.idle = flag_at(*object, "idle", true);
    if (const auto* build = find_object(*object, "currentExecutable")) {
      executor.build_class = text_at(*build, "_class");
      executor.build = task_path(text_at(*build, "url"));
    }
    executors.push_back(std::move(executor));
  }
  return executors;
}

std::optional<Computer> read_computer(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr || !object->contains("offline")) return std::nullopt;
  Computer computer;
  computer.name = text_at(*object, "displayName");
  if (computer.name.empty()) return std::nullopt;
  computer.is_agent = !text_at(*object, "_class").ends_with("MasterComputer");
  computer.description = text_at(*object, "description");
  computer.offline = flag_at(*object, "offline", true);
  computer.held = flag_at(*object, "temporarilyOffline");
  computer.reason = text_at(*object, "offlineCauseReason");
  computer.idle = flag_at(*object, "idle", true);
  computer.connected = !text_at(*object, "absoluteRemotePath").empty();
  if (const auto* labels = find_array(*object, "assignedLabels"))
    for (const auto& label : *labels)
      if (const auto* one = label.if_object(); one != nullptr && computer.labels.size() < kMaxListed)
        computer.labels.push_back(text_at(*one, "name"));
  std::erase(computer.labels, std::string());
  std::ranges::sort(computer.labels);
  computer.executors = read_executors(*object);
  return computer;
}

// Of each member of the list `name`, its text `field`.
std::vector<std::string> texts_of(const json::object& object, std::string_view name, std::string_view field) {
  std::vector<std::string> out;
  const auto* list = find_array(object, name);
  if (list == nullptr) return out;
  for (const auto& value : *list)
    if (const auto* one = value.if_object(); one != nullptr && out.size() < kMaxListed)
      out.push_back(text_at(*one, field));
  return out;
}

}  // namespace

Result<Root> parse_root(std::string_view body) {
  FOOTMAN_TRY(const auto object, parse_document(body));
  Root root{flag_at(object, "quietingDown"), {}};
  for (const auto& url : texts_of(object, "jobs", "url"))
    if (root.job.empty()) root.job = task_path(url);
  return root;
}

Result<LabelUse> parse_label_use(std::string_view body) {
  FOOTMAN_TRY(const auto object, parse_document(body));
  if (find_array(object, "clouds") == nullptr) return no_such_shape("list of clouds");
  LabelUse use{texts_of(object, "nodes", "nodeName"), texts_of(object, "clouds", "_class")};
  for (auto& name : use.clouds) name.erase(0, name.rfind('.') + 1);  // npos + 1 is 0
  return use;
}

std::string QueueItem::key() const { return fmt::format("{}-{}-{}", id, in_queue_since, task); }

std::string QueueItem::title() const {
  // The name lacks folders, and a cell's is its combination alone.
  if (auto title = build_title(task); title != task) return title;
  if (auto title = job_title(task); title != task) return title;
  constexpr std::string_view kPart = "part of ";
  if (task_name.starts_with(kPart)) return task_name.substr(kPart.size());
  return task_name.empty() ? task : task_name;
}

Result<Queue> parse_queue(std::string_view body) {
  FOOTMAN_TRY(const auto root, parse_document(body));
  const auto* items = find_array(root, "items");
  if (items == nullptr) return no_such_shape("items of a queue");
  if (items->size() > kMaxListed)
    return fail(Errc::corrupt, fmt::format("more than {} items wait", kMaxListed));
  Queue queue;
  for (const auto& value : *items) {
    auto item = read_item(value);
    if (item)
      queue.items.push_back(std::move(*item));
    else
      ++queue.odd;
  }
  std::ranges::stable_sort(queue.items, {},
                           [](const QueueItem& one) { return std::pair(one.waits_since(), one.id); });
  return queue;
}

Result<Computers> parse_computers(std::string_view body) {
  FOOTMAN_TRY(const auto root, parse_document(body));
  const auto* list = find_array(root, "computer");
  if (list == nullptr) return no_such_shape("list of nodes");
  if (list->size() > kMaxListed)
    return fail(Errc::corrupt, fmt::format("there are more than {} nodes", kMaxListed));
  Computers computers;
  for (const auto& value : *list) {
    auto computer = read_computer(value);
    if (!computer) return fail(Errc::corrupt, "a node of the list of nodes has no name or state");
    computers.all.push_back(std::move(*computer));
  }
  // That one is always there.
  if (std::ranges::all_of(computers.all, &Computer::is_agent))
    return fail(Errc::corrupt, "the built-in node is missing in the list of nodes");
  return computers;
}

Result<Computer> parse_computer(std::string_view body) {
  FOOTMAN_TRY(auto root, parse_document(body));
  auto computer = read_computer(json::value(std::move(root)));
  if (!computer) return no_such_shape("node");
  return std::move(*computer);
}

Result<ItemFate> parse_item_fate(std::string_view body) {
  FOOTMAN_TRY(const auto root, parse_document(body));
  const auto name = text_at(root, "_class");
  if (!name.contains("Queue$")) return no_such_shape("item of a queue");
  ItemFate fate;
  fate.left = state_of(root) == ItemState::left;
  fate.cancelled = flag_at(root, "cancelled");
  if (const auto* build = find_object(root, "executable")) fate.build = task_path(text_at(*build, "url"));
  return fate;
}

Result<BuildState> parse_build(std::string_view body) {
  FOOTMAN_TRY(const auto root, parse_document(body));
  if (!root.contains("building")) return no_such_shape("build");
  // Right after the result is set it is still being written.
  return BuildState{!flag_at(root, "building", true) && !flag_at(root, "inProgress", false),
                    text_at(root, "result"), milliseconds_at(root, "timestamp"),
                    std::chrono::milliseconds(milliseconds_at(root, "duration")), text_at(root, "builtOn")};
}

Result<Secret> parse_agent_secret(std::string_view body, std::string_view name) {
  constexpr std::string_view kOpen = "<argument>";
  constexpr std::string_view kClose = "</argument>";
  std::vector<std::string_view> arguments;
  for (std::size_t at = 0; arguments.size() < kMaxArguments;) {
    const auto open = body.find(kOpen, at);
    if (open == std::string_view::npos) break;
    const auto begin = open + kOpen.size();
    const auto end = body.find(kClose, begin);
    if (end == std::string_view::npos) break;
    arguments.push_back(body.substr(begin, end - begin));
    at = end + kClose.size();
  }
  if (arguments.size() < 2) return fail(Errc::corrupt, "the answer holds no secret of an agent");
  const auto secret = arguments[0];
  const bool is_hex = secret.size() == 64 && std::ranges::all_of(secret, [](char c) {
                        return is_digit(c) || (c >= 'a' && c <= 'f');
                      });
  if (!is_hex) return fail(Errc::corrupt, "the secret of the agent has not 64 hexadecimal digits");
  if (arguments[1].empty()) return fail(Errc::not_found, fmt::format("the node {} was deleted", name));
  if (arguments[1] != name)
    return fail(Errc::corrupt, fmt::format("the secret of another node than {} came", name));
  return Secret(std::string(secret));
}

std::string find_page_text(std::string_view body) {
  const auto panel = body.find("main-panel");
  const bool is_jenkins = panel != std::string_view::npos;
  const auto heading = find_element(body, "h1", is_jenkins ? panel : 0);
  if (heading.found()) {
    const auto words = html_text(heading.content, kPageWords);
    const auto rest = body.substr(heading.end);
    const auto more = is_jenkins ? html_text(rest.substr(0, rest.find("</div>")), kPageWords) : std::string();
    if (!words.empty()) return more.empty() || words == "Oops!" ? words : words + ": " + more;
  }
  const auto title = find_element(body, "title");
  return title.found() ? html_text(title.content, kPageWords) : std::string();
}

namespace {

// Requests are made of it: no query, no fragment, nothing that ends a line (RFC 3986, section 3.3).
bool is_path_character(char c) { return is_alnum_or("/-._~%!$&'()*+,;=:@", c); }

}  // namespace

std::string task_path(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return {};
  auto path = url;
  if (!url.starts_with("job/")) {
    const auto at = url.find("/job/");
    if (at == std::string_view::npos) return {};
    path = url.substr(at + 1);
  }
  return std::ranges::all_of(path, is_path_character) ? std::string(path) : std::string();
}

namespace {

// "team/app" of "job/team/job/app/17/", "app/OS=linux" of "job/app/OS=linux/17/": its job, or a matrix' cell.
// `path` loses what was read.
std::string take_job(std::string_view& path) {
  constexpr std::string_view kJob = "job/";
  std::string title;
  const auto take_part = [&] {
    const auto end = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, end);
    const auto name = net::percent_decode(part);
    title += (title.empty() ? "" : "/") + (name ? *name : std::string(part));
    path.remove_prefix(std::min(end + 1, path.size()));
  };
  while (path.starts_with(kJob)) {
    path.remove_prefix(kJob.size());
    take_part();
  }
  if (const auto part = path.substr(0, path.find('/'));
      !title.empty() && part.find_first_of("=%") != part.npos)
    take_part();
  return title;
}

std::string shown_text(std::string text) { return cut(replace_invalid_utf8(std::move(text))); }

}  // namespace

std::string job_title(std::string_view task) {
  auto rest = task;
  auto title = take_job(rest);
  return title.empty() ? std::string(task) : shown_text(std::move(title));
}

std::string build_title(std::string_view build) {
  auto rest = build;
  const auto title = take_job(rest);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (title.empty() || rest.empty() || !std::ranges::all_of(rest, is_digit)) return std::string(build);
  return shown_text(fmt::format("{} #{}", title, rest));
}

}  // namespace footman::jenkins
