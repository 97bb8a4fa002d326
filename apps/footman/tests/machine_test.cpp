#include "apps/footman/machine.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

using namespace footman;
using namespace footman::app;
using model::Finding;
using model::FindingState;

namespace {

MachineFacts make_facts() {
  MachineFacts facts;
  facts.data = "/var/lib/footman";
  facts.data_is_there = true;
  facts.free_bytes = 10ULL << 30;
  facts.ports = {{"listen", "127.0.0.1:8080", {}}, {"agent_listen", "127.0.0.1:50000", {}}};
  facts.local = {{"here", "/usr/bin/footman-agent", {}, true, true}};
  facts.can_limit_memory = facts.can_limit_processes = true;
  return facts;
}

std::string told(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& one : findings)
    text += fmt::format("{} {} {}: {} [{}]\n", get_word(model::kFindingStates, one.state), one.place,
                        one.check, one.text, one.advice);
  return text;
}

}  // namespace

TEST_CASE("machine: all is well") {
  const auto text = told(examine_machine(make_facts()));
  CHECK(text ==
        "ok server data-directory: /var/lib/footman can be written, 10240 MiB are free []\n"
        "ok server ports: listen 127.0.0.1:8080 is free []\n"
        "ok server ports: agent_listen 127.0.0.1:50000 is free []\n"
        "ok cloud here agent-program: /usr/bin/footman-agent []\n"
        "ok cloud here limits: control groups can be made []\n");
}

TEST_CASE("machine: each fault is named, with what to do") {
  struct Fault {
    const char* name;
    std::function<void(MachineFacts&)> plant;
    const char* text;
  };
  for (const auto& fault : std::vector<Fault>{
           {"no directory", [](auto& f) { f.data_trouble = "/var: Permission denied"; },
            "failed server data-directory: /var/lib/footman cannot be used: /var: Permission denied [choose "
            "another"},
           {"a new directory", [](auto& f) { f.data_is_there = false; },
            "ok server data-directory: /var/lib/footman can be made"},
           {"little space", [](auto& f) { f.free_bytes = 100 << 20; },
            "warning server data-directory: /var/lib/footman can be written, 100 MiB are free [the logs"},
           {"a port of somebody", [](auto& f) { f.ports[0].trouble = "127.0.0.1:8080 is in use"; },
            "failed server ports: listen 127.0.0.1:8080: 127.0.0.1:8080 is in use [end what has it"},
           {"a port of the server",
            [](auto& f) {
              f.ports[0].trouble = "in use";
              f.server = 4711;
            },
            "ok server ports: listen 127.0.0.1:8080 is in use; the server of this data directory runs "
            "(process 4711)"},
           {"no agent", [](auto& f) { f.local[0].trouble = "No such file or directory"; },
            "failed cloud here agent-program: the agent's program cannot be run: /usr/bin/footman-agent: No "
            "such file"},
           {"no memory limit", [](auto& f) { f.can_limit_memory = false; },
            "warning cloud here limits: memory is limited for each process only"},
           {"no process limit", [](auto& f) { f.can_limit_processes = false; },
            "warning cloud here limits: processes are not limited"},
       }) {
    auto facts = make_facts();
    fault.plant(facts);
    const auto text = told(examine_machine(facts));
    INFO(fault.name, "\n", text);
    CHECK(text.find(fault.text) != std::string::npos);
  }
  // Limits that nobody wants are not told.
  auto facts = make_facts();
  facts.local[0].wants_memory_limit = facts.local[0].wants_process_limit = false;
  facts.can_limit_memory = facts.can_limit_processes = false;
  CHECK(told(examine_machine(facts)).find("limits") == std::string::npos);
}
