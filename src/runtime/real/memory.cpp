#include "runtime/real/memory.hpp"

#include <malloc.h>

namespace footman::runtime::real {

void return_freed_memory(std::size_t kept) {
  if (::mallinfo2().fordblks > kept) ::malloc_trim(0);
}

}  // namespace footman::runtime::real
