#include "virtual_time/trace.hpp"

#include <fmt/format.h>

namespace footman::virtual_time {

std::string format_time(base::Duration at) {
  return fmt::format("{:6}.{:06}", at.count() / 1'000'000, at.count() % 1'000'000);
}

void Trace::note(base::Duration at, std::string_view node, std::string_view text) {
  mix(static_cast<std::uint64_t>(at.count()));
  for (const char c : text) mix(static_cast<unsigned char>(c));
  tell(at, node, text);
}

void Trace::tell(base::Duration at, std::string_view node, std::string_view text) {
  if (mode_ == Mode::hash_only) return;
  auto line = fmt::format("{} {:<14} {}", format_time(at), node, text);
  if (mode_ == Mode::print)
    std::puts(line.c_str());
  else
    lines_.push_back(std::move(line));
}

}  // namespace footman::virtual_time
