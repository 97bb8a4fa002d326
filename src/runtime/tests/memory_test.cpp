#include "runtime/real/memory.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "runtime/real/files.hpp"

using footman::runtime::real::return_freed_memory;

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)  // they bring their own allocator
namespace {

std::size_t resident_bytes() {
  unsigned long all = 0;
  unsigned long resident = 0;
  const auto text = footman::runtime::real::read_small_file("/proc/self/statm", 256);
  REQUIRE(text);
  REQUIRE(std::sscanf(text->c_str(), "%lu %lu", &all, &resident) == 2);
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE(
    "memory that lies free between what is in use goes back to the system, if it is more than may be kept") {
  constexpr std::size_t kPieces = 8000;
  constexpr std::size_t kPiece = 8 * 1024;
  std::vector<std::unique_ptr<char[]>> pieces;
  for (std::size_t i = 0; i < kPieces; ++i) pieces.push_back(std::make_unique<char[]>(kPiece));
  for (std::size_t i = 0; i < kPieces; ++i)
    if (i % 100 != 99) pieces[i].reset();
  const auto before = resident_bytes();

  return_freed_memory(kPieces * kPiece * 2);
  CHECK(resident_bytes() + kPieces * kPiece / 10 > before);
  return_freed_memory(0);
  CHECK(resident_bytes() + kPieces * kPiece / 2 < before);
}
#endif
