// The recordings as stories: each brings a double into the states in which they were made.
#pragma once

#include <string_view>

#include "tests/jenkins/tests/story.hpp"

namespace footman::fake_jenkins::test {

void tell_identity(Story& story);
void tell_nodes(Story& story);
void tell_builds_on_a_node(Story& story);
void tell_queue_without_nodes(Story& story);
void tell_queue_with_nodes(Story& story);
void tell_queue_with_placeholders(Story& story);
void tell_mixed_queue(Story& story);
void tell_jobs(Story& story);
void tell_job_list(Story& story);
void tell_pipelines(Story& story);
void tell_lost_agents(Story& story);
void tell_name_reused(Story& story);
void tell_rights(Story& story);
void tell_restarts(Story& story);

struct NamedStory {
  std::string_view name;
  void (*tell)(Story&);
};
inline constexpr NamedStory kStories[] = {
    {"identity", tell_identity},
    {"nodes", tell_nodes},
    {"builds on a node", tell_builds_on_a_node},
    {"queue without nodes", tell_queue_without_nodes},
    {"queue with nodes", tell_queue_with_nodes},
    {"queue with placeholders", tell_queue_with_placeholders},
    {"mixed queue", tell_mixed_queue},
    {"jobs", tell_jobs},
    {"list of jobs", tell_job_list},
    {"pipelines", tell_pipelines},
    {"lost agents", tell_lost_agents},
    {"name reused", tell_name_reused},
    {"rights", tell_rights},
    {"restarts", tell_restarts},
};

}  // namespace footman::fake_jenkins::test
