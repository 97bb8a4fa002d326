// The groups of commands; command_tree() puts them together. One file each.
#pragma once

#include "cli/command.hpp"

namespace footman::cli {

Command up_command();
Command config_commands();
Command doctor_command();
Command import_commands();
Command iam_policy_command();
Command image_commands();
Command backup_command();
Command status_command();
Command version_command();
Command completion_command();
Command ui_command();
Command token_commands();
Command demo_command();
Command simulate_command();

Command run_command();
Command build_commands();
Command build_trace_command();  // of the group before
Command job_commands();
Command queue_command();
Command agent_commands();
Command cloud_commands();
Command cloud_test_command();      // of the group before
Command cloud_discover_command();  // the same
Command pool_commands();
Command jenkins_commands();
Command reconcile_command();
Command cost_command();
Command explain_command();
Command events_command();

}  // namespace footman::cli
