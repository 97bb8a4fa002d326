#include "ecs/execution_rights.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "ecs/forms.hpp"
#include "ecs/task_definition.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

std::string member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

template <class Visit>
void for_each_object(const json::object& object, std::string_view list, Visit visit) {
  const auto* value = object.if_contains(list);
  if (value == nullptr || !value->is_array()) return;
  for (const auto& one : value->get_array())
    if (one.is_object()) visit(one.get_object());
}

const json::object* part(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

// "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME:KEY:STAGE:VERSION" without what follows the name.
std::string secret_arn(std::string_view from) {
  std::size_t end = 0;
  for (int parts = 0; parts < 7 && end != std::string_view::npos; ++parts) end = from.find(':', end + 1);
  return std::string(from.substr(0, end));
}

class Rights {
 public:
  Rights(const CloudOptions& cloud, const std::string& account)
      : region_(cloud.region), account_(account), partition_(find_partition(cloud.region)) {}

  void add_container(const json::object& container) {
    add_image(member(container, "image"));
    if (const auto* log = part(container, "logConfiguration")) {
      if (const auto* options = part(*log, "options")) add_log(member(*log, "logDriver"), *options);
      for_each_object(*log, "secretOptions", [&](const auto& one) { add_secret(member(one, "valueFrom")); });
    }
    for_each_object(container, "secrets", [&](const auto& one) { add_secret(member(one, "valueFrom")); });
    for_each_object(container, "environmentFiles",
                    [&](const auto& one) { add({"s3:GetObject"}, member(one, "value")); });
    if (const auto* login = part(container, "repositoryCredentials"))
      add_secret(member(*login, "credentialsParameter"));
  }

  std::vector<Wish> take() const {
    std::vector<Wish> out;
    out.reserve(rights_.size());
    for (const auto& [actions, resources] : rights_)
      out.push_back({actions, Texts(resources.begin(), resources.end()), {}});
    return out;
  }

 private:
  void add(Texts actions, const std::string& resource) {
    if (!resource.empty()) rights_[std::move(actions)].insert(resource);
  }

  void add_image(const std::string& image) {
    const auto found = find_ecr_image(image);
    if (!found) return;
    add({"ecr:GetAuthorizationToken"}, "*");  // it knows no narrower resource
    add({"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
        fmt::format("arn:{}:ecr:{}:{}:repository/{}", partition_, found->region, found->account,
                    found->repository));
  }

  void add_log(const std::string& driver, const json::object& options) {
    const auto group = member(options, "awslogs-group");
    if (driver != "awslogs" || group.empty()) return;
    const auto region = member(options, "awslogs-region");
    const auto arn = fmt::format("arn:{}:logs:{}:{}:log-group:{}", partition_,
                                 region.empty() ? region_ : region, account_, group);
    add({"logs:CreateLogStream", "logs:PutLogEvents"}, arn + ":log-stream:doctor");
    if (member(options, "awslogs-create-group") == "true") add({"logs:CreateLogGroup"}, arn);
  }

  // A name alone is one of SSM's in the task's own region.
  void add_secret(const std::string& from) {
    if (from.empty()) return;
    const auto arn = find_arn(from);
    if (arn && arn->service == "secretsmanager")
      return add({"secretsmanager:GetSecretValue"}, secret_arn(from));
    const auto* slash = from.starts_with('/') ? "" : "/";
    add({"ssm:GetParameters"},
        arn ? from
            : fmt::format("arn:{}:ssm:{}:{}:parameter{}{}", partition_, region_, account_, slash, from));
  }

  const std::string& region_;
  const std::string& account_;
  std::string partition_;
  std::map<Texts, std::set<std::string>> rights_;  // actions that go together: on what
};

// What a template's tasks are made of; null: not known.
json::value find_content(const CloudOptions& cloud, const TemplateName& name, const TemplateOptions& options,
                         const Existing& existing) {
  if (const auto found = existing.find(options.task_definition); found != existing.end())
    return found->second && *found->second ? **found->second : json::value();
  if (!options.task_definition.empty()) return nullptr;
  const auto made = make_task_definition(options, cloud, {InstallationId("any"), name, cloud.region});
  return made ? json::parse(made->request) : json::value();
}

}  // namespace

std::map<std::string, std::vector<Wish>> list_execution_wishes(const CloudOptions& cloud,
                                                               const NamedTemplates& templates,
                                                               const std::string& account,
                                                               const Existing& existing) {
  std::map<std::string, Rights> rights;
  for (const auto& [name, options] : templates) {
    if (options.execution_role.empty()) continue;
    const auto definition = find_content(cloud, name, options, existing);
    if (!definition.is_object()) continue;
    auto& of_role = rights.try_emplace(options.execution_role, cloud, account).first->second;
    for_each_object(definition.get_object(), "containerDefinitions",
                    [&](const auto& container) { of_role.add_container(container); });
  }
  std::map<std::string, std::vector<Wish>> out;
  for (const auto& [role, of_role] : rights) out[role] = of_role.take();
  return out;
}

}  // namespace footman::ecs
