// What the local cloud uses of the machine, by short names.
#pragma once

#include "runtime/real/cgroup_mounts.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/real/spawn.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::cloud::local {

using runtime::UniqueFd;
using runtime::real::CgroupMount;
using runtime::real::ChildEnd;
using runtime::real::find_own_group;
using runtime::real::find_process_id;
using runtime::real::kill_by_cookie;
using runtime::real::open_process;
using runtime::real::parse_cgroup_mounts;
using runtime::real::ProcessId;
using runtime::real::read_small_file;
using runtime::real::reap;
using runtime::real::spawn_detached;
using runtime::real::Spawned;
using runtime::real::SpawnRequest;
using runtime::real::start_ticks_of_stat;
using runtime::real::to_handle;

}  // namespace footman::cloud::local
