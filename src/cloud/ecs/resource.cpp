#include "cloud/ecs/resource.hpp"

#include <utility>

#include "cloud/ecs/own_tags.hpp"
#include "ecs/run_task.hpp"
#include "ecs/stop_reason.hpp"
#include "ecs/task_identity.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;
using ports::Resource;
using ports::ResourceState;

ResourceState find_state(const Tracked& one) {
  const auto phase = ecs::find_phase(one.task);
  if (one.is_over()) return ResourceState::gone;
  if (one.stop_asked.is_set() || phase == ecs::TaskPhase::stopping) return ResourceState::stopping;
  return phase == ecs::TaskPhase::starting ? ResourceState::starting : ResourceState::running;
}

void put_end(const Tracked& one, Duration aws_ahead, Resource& out) {
  out.last_lines = one.last_lines;
  if (one.is_missing) {
    out.death.text = "ECS does not know the task any more.";
    return;
  }
  if (one.task.stopped_at.is_set()) out.ended = one.task.stopped_at - aws_ahead;
  auto why = ecs::explain_stop(one.task, one.owner.container);
  out.death = std::move(why.death);
  if (why.cause != ecs::StopCause::ours) out.failure = why.failure;
  out.reclaimed = why.end_reason == footman::model::EndReason::notice;
}

}  // namespace

Resource make_resource(const Tracked& one, const EcsCloudConfig& cloud, const runtime::EvenTime& even,
                       Duration aws_ahead) {
  Resource out{cloud.installation,
               one.owner.agent,
               one.owner.token,
               one.task.arn,
               find_state(one),
               {},
               {},
               {},
               {},
               false,
               {}};
  const OwnTags tags(one.task.tags, cloud.installation, cloud.options.tag_prefix);
  out.template_name = TemplateName(tags.get(ecs::kTemplateTag));
  for (const auto& step : ecs::list_steps(one.task)) out.steps.push_back({step.at - aws_ahead, step.what});
  out.created = one.task.created_at.is_set() ? one.task.created_at - aws_ahead : even.on_wall(one.launched);
  if (one.is_over()) put_end(one, aws_ahead, out);
  return out;
}

}  // namespace footman::cloud::ecs
