// What `footman up` needs of this machine, and what of it is there. The facts are found with blocking calls;
// judging them is pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "model/finding.hpp"

namespace footman::app {

// Less than this free where the data is: builds' logs soon fill it.
inline constexpr std::uint64_t kLittleSpace = 1ULL << 30;

struct PortFacts {
  std::string key;      // "listen"
  std::string address;  // "127.0.0.1:8080"
  std::string trouble;  // why it cannot be had; empty: it can
};

struct LocalFacts {
  std::string cloud;
  std::string agent_program;
  std::string trouble;  // why it cannot be run
  bool wants_memory_limit = false;
  bool wants_process_limit = false;
};

struct MachineFacts {
  std::string data;
  std::string data_trouble;      // why it cannot be used; empty: it can
  bool data_is_there = false;    // else it is made
  std::uint64_t free_bytes = 0;  // 0: not known
  int server = 0;                // process id of the server that has the directory; 0: none
  std::vector<PortFacts> ports;
  std::vector<LocalFacts> local;
  // Of control groups, asked only when a template wants limits.
  bool can_limit_memory = false;
  bool can_limit_processes = false;
};

// `data`: absolute or relative. Makes nothing but, where limits are wanted, the empty control group in which
// a server here would put its agents.
MachineFacts look_at_machine(const config::Config& config, const std::string& data);
std::vector<model::Finding> examine_machine(const MachineFacts& facts);

}  // namespace footman::app
