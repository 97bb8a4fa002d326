#include "image/tar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.hpp"

namespace footman::image {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kSumAt = 148;
constexpr std::size_t kSumBytes = 8;

std::string make_header(const TarEntry& entry) {
  FOOTMAN_CHECK(!entry.name.empty() && entry.name.size() <= kMaxTarName && entry.bytes.size() <= kMaxTarFile,
                entry.name);
  std::string header(kBlock, '\0');
  const auto put = [&](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  put(0, entry.name);
  put(100, fmt::format("{:07o}", entry.mode));
  put(108, "0000000");  // user
  put(116, "0000000");  // group
  put(124, fmt::format("{:011o}", entry.bytes.size()));
  put(136, "00000000000");  // time
  put(kSumAt, std::string(kSumBytes, ' '));
  put(156, entry.name.ends_with('/') ? "5" : "0");
  put(257, "ustar");
  put(263, "00");
  const auto sum = std::accumulate(header.begin(), header.end(), 0U, [](unsigned so_far, char c) {
    return so_far + static_cast<unsigned char>(c);
  });
  put(kSumAt, fmt::format("{:06o}", sum));
  header[kSumAt + 6] = '\0';  // and the space that is there
  return header;
}

std::size_t padded(std::size_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

}  // namespace

std::string make_tar(const std::vector<TarEntry>& entries) {
  std::string out;
  std::size_t size = 2 * kBlock;
  for (const auto& entry : entries) size += kBlock + padded(entry.bytes.size());
  out.reserve(size);
  for (const auto& entry : entries) {
    out += make_header(entry);
    out += entry.bytes;
    out.resize(padded(out.size()));
  }
  out.append(2 * kBlock, '\0');
  return out;
}

}  // namespace footman::image
