// What the program frees is overwritten first: secrets pass through strings and buffers that do not know what
// they hold (frames, TLS records), and a step that runs as root can read this process's memory.
#include <malloc.h>
#include <string.h>

#include <cstdlib>
#include <new>

// The sanitizers bring their own.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void* operator new(std::size_t size) {
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  ::explicit_bzero(memory, ::malloc_usable_size(memory));
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept { operator delete(memory); }

#endif
