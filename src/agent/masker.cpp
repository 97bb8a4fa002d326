#include "agent/masker.hpp"

#include <algorithm>
#include <utility>

namespace footman::agent {
namespace {

std::vector<std::uint32_t> borders_of(std::string_view text) {
  std::vector<std::uint32_t> border(text.size(), 0);
  std::uint32_t length = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    while (length > 0 && text[i] != text[length]) length = border[length - 1];
    if (text[i] == text[length]) ++length;
    border[i] = length;
  }
  return border;
}

}  // namespace

Masker::Masker(const std::vector<base::Secret>& masks) {
  for (const auto& mask : masks) {
    if (mask.empty()) continue;
    const auto known = [&](const Pattern& one) { return one.text.expose() == mask.expose(); };
    if (std::any_of(patterns_.begin(), patterns_.end(), known)) continue;
    const auto first = static_cast<unsigned char>(mask.expose().front());
    starts_[first].push_back(static_cast<std::uint32_t>(patterns_.size()));
    patterns_.push_back({mask, borders_of(mask.expose()), 0});
  }
}

void Masker::cover_last(std::size_t count) {
  std::fill(covered_.end() - static_cast<std::ptrdiff_t>(count), covered_.end(), true);
}

void Masker::advance(Pattern& pattern, char byte) {
  const auto text = pattern.text.expose();
  while (pattern.matched > 0 && text[pattern.matched] != byte)
    pattern.matched = pattern.border[pattern.matched - 1];
  if (text[pattern.matched] == byte) ++pattern.matched;
  if (pattern.matched < text.size()) return;
  cover_last(text.size());
  pattern.matched = pattern.border[text.size() - 1];
}

void Masker::step(char byte) {
  held_.push_back(byte);
  covered_.push_back(false);
  still_active_.clear();
  for (const auto index : active_) {
    advance(patterns_[index], byte);
    if (patterns_[index].matched > 0) still_active_.push_back(index);
  }
  for (const auto index : starts_[static_cast<unsigned char>(byte)]) {
    auto& pattern = patterns_[index];
    if (pattern.matched > 0) continue;  // was active, or has just become it
    advance(pattern, byte);
    if (pattern.matched > 0) still_active_.push_back(index);
  }
  active_.swap(still_active_);
}

// Decides all held bytes but the last `keep`.
void Masker::release(std::string& out, std::size_t keep) {
  const auto count = held_.size() - keep;
  for (std::size_t i = 0; i < count; ++i) {
    if (!covered_[i]) out.push_back(held_[i]);
    if (covered_[i] && !in_run_) out += kMaskedText;
    in_run_ = covered_[i];
  }
  held_.erase(0, count);
  covered_.erase(covered_.begin(), covered_.begin() + static_cast<std::ptrdiff_t>(count));
}

std::string Masker::feed(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (active_.empty()) {  // nothing is held: everything up to a byte that begins a mask is decided
      std::size_t end = at;
      while (end < bytes.size() && starts_[static_cast<unsigned char>(bytes[end])].empty()) ++end;
      if (end > at) in_run_ = false;
      out.append(bytes.substr(at, end - at));
      at = end;
      if (at == bytes.size()) break;
    }
    step(bytes[at++]);
    if (active_.empty()) release(out, 0);
  }
  std::size_t keep = 0;
  for (const auto index : active_) keep = std::max(keep, patterns_[index].matched);
  release(out, keep);
  return out;
}

std::string Masker::flush() {
  std::string out;
  release(out, 0);
  for (const auto index : active_) patterns_[index].matched = 0;
  active_.clear();
  in_run_ = false;
  return out;
}

}  // namespace footman::agent
