// What the allocator keeps of memory that is free.
#pragma once

#include <cstddef>

namespace footman::runtime::real {

// After a burst the allocator keeps what lies free between what is still in use: as much again, with
// thousands of agents. Gives it back to the system if more than `kept` bytes are free. Any thread; others
// that allocate may wait meanwhile, for a millisecond for each ten thousand free pieces.
void return_freed_memory(std::size_t kept);

}  // namespace footman::runtime::real
