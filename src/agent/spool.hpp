// The log bytes a build has printed and the server has not acknowledged: first in memory, beyond that on
// disk. Both are bounded; what does not fit is not taken, so that the build's output blocks instead of being
// lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::agent {

// Bytes beside the memory: a file without a name in the real agent. Calls may block for as long as a local
// disk does.
class SpoolFile {
 public:
  virtual ~SpoolFile() = default;
  virtual base::Status write(std::uint64_t position, std::string_view bytes) = 0;
  virtual base::Result<std::string> read(std::uint64_t position, std::size_t size) = 0;
  virtual void discard() = 0;  // everything written is no longer needed
};
// Null or empty: there is no place on disk, only the memory counts.
using OpenSpoolFile = std::function<base::Result<std::unique_ptr<SpoolFile>>()>;

}  // namespace footman::agent
