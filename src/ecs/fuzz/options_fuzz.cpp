// Frozen options come back the same, whatever they say. Options without a fatal problem give requests that
// ECS takes, and the same ones each time.
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "ecs/frozen_options.hpp"
#include "ecs/run_task.hpp"
#include "ecs/service_model.hpp"
#include "ecs/task_definition.hpp"
#include "ecs/validate.hpp"

namespace {

using namespace footman::ecs;

bool fits(const std::string& request, std::string_view shape) {
  return check_shape(boost::json::parse(request), shape).has_value();
}

RunTaskInput make_input(const TemplateOptions& options, std::string definition, std::string container) {
  RunTaskInput input;
  input.installation = InstallationId("inst");
  input.agent = AgentId("agent");
  input.template_name = TemplateName("t");
  input.client_token = "agent-1";
  input.task_definition = std::move(definition);
  input.container = container.empty() ? "agent" : std::move(container);
  input.capacity = options.capacity;
  input.size = options.size;
  return input;
}

void check_requests(const TemplateOptions& options, const CloudOptions& cloud) {
  auto definition = options.task_definition;
  auto container = options.container.name;
  if (definition.empty()) {
    const DefinitionScope scope{InstallationId("inst"), TemplateName("t"), "eu-central-1"};
    const auto made = make_task_definition(options, cloud, scope);
    FOOTMAN_CHECK(made.has_value(), "right options give a task definition");
    FOOTMAN_CHECK(fits(made->request, kRegisterTaskDefinition), "ECS takes it");
    FOOTMAN_CHECK(make_task_definition(options, cloud, scope)->request == made->request, "the same bytes");
    definition = made->family;
    container = made->container;
  }
  const auto input = make_input(options, definition, container);
  const auto run = make_run_task(options, cloud, input);
  if (!run) {
    FOOTMAN_CHECK(run.error().code == footman::base::Errc::resource_exhausted, "only too much can be wrong");
    return;
  }
  FOOTMAN_CHECK(fits(*run, kRunTask), "ECS takes the run");
  FOOTMAN_CHECK(make_run_task(options, cloud, input).value() == *run, "the same bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto options = parse_frozen({reinterpret_cast<const char*>(data), size});
  if (!options) {
    FOOTMAN_CHECK(options.error().code == footman::base::Errc::corrupt,
                  "frozen options are right or corrupt");
    return 0;
  }
  const auto text = freeze(*options);
  if (text.size() <= kMaxFrozenOptionsBytes)
    FOOTMAN_CHECK(parse_frozen(text).value() == *options, "what was written is what is read");
  CloudOptions cloud;
  cloud.region = "eu-central-1";
  for (const auto& problem : validate(*options, cloud))
    if (problem.fatal) return 0;
  check_requests(*options, cloud);
  return 0;
}
