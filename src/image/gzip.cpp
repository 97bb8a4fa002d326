#include "image/gzip.hpp"

#include <zlib.h>

#include <limits>

#include "base/check.hpp"

namespace footman::image {

std::string gzip(std::string_view bytes) {
  constexpr int kGzipWindow = 15 + 16;  // the largest window, in gzip's frame
  constexpr int kMemory = 9;
  FOOTMAN_CHECK(bytes.size() <= std::numeric_limits<uInt>::max(), "more than zlib takes at once");
  z_stream stream{};
  FOOTMAN_CHECK(
      deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) == Z_OK,
      "zlib has no memory");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const auto end = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  FOOTMAN_CHECK(end == Z_STREAM_END, "zlib's bound is wrong");
  return out;
}

}  // namespace footman::image
