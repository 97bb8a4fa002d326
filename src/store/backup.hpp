// A copy of the database while it is in use, a few pages at a time between the moves.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "runtime/awaitable.hpp"
#include "store/move_queue.hpp"

namespace footman::store {

// Writes `path`.partial, and renames it when it is whole and on disk: a crash leaves no half backup behind
// under the name that was asked for. On the store's executor.
runtime::Awaitable<base::Status> back_up_database(std::shared_ptr<MoveQueue> queue, std::string path);

}  // namespace footman::store
