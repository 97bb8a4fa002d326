#include "image/program.hpp"

#include <cstdint>

namespace footman::image {
namespace {

// Offsets in a 64-bit ELF file: its header, and a program header.
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kTypeAt = 16;
constexpr std::size_t kMachineAt = 18;
constexpr std::size_t kTableAt = 32;
constexpr std::size_t kEntryBytesAt = 54;
constexpr std::size_t kEntriesAt = 56;
constexpr std::size_t kEntryBytes = 56;

constexpr std::uint64_t kExecutable = 2;
constexpr std::uint64_t kShared = 3;  // a program that may lie anywhere
constexpr std::uint64_t kInterpreter = 3;
constexpr std::uint64_t kX86 = 62;
constexpr std::uint64_t kAarch64 = 183;

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::unexpected<Error> refuse(std::string what, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(what), {}, std::move(hint));
}

}  // namespace

Result<std::string> find_architecture(std::string_view program) {
  using namespace std::string_view_literals;
  // 64 bits, little-endian, version 1
  if (program.size() < kHeaderBytes || !program.starts_with("\x7f"
                                                            "ELF\2\1\1"sv))
    return refuse("is not a Linux program of 64 bits");
  const auto type = number_at(program, kTypeAt, 2);
  if (type != kExecutable && type != kShared) return refuse("is not a program that can be started");
  const auto machine = number_at(program, kMachineAt, 2);
  if (machine != kX86 && machine != kAarch64)
    return refuse("is for a machine that footman-agent is not made for", "amd64 and arm64 are.");
  const auto table = number_at(program, kTableAt, 8);
  const auto count = number_at(program, kEntriesAt, 2);
  if (number_at(program, kEntryBytesAt, 2) != kEntryBytes || table > program.size() ||
      count * kEntryBytes > program.size() - table)
    return refuse("is a broken or cut program");
  for (std::size_t i = 0; i < count; ++i)
    if (number_at(program, table + i * kEntryBytes, 4) == kInterpreter)
      return refuse("needs libraries, and the image will hold none", "make build makes a static one.");
  return std::string(machine == kX86 ? kAmd64 : kArm64);
}

}  // namespace footman::image
