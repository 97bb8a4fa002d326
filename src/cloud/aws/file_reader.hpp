// The files that credentials come from, read so that a disk of the network that does not answer stops nobody:
// see runtime/real/limited_calls.hpp.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cloud/aws/foundation.hpp"
#include "runtime/real/limited_calls.hpp"

namespace footman::cloud::aws {

inline constexpr base::Duration kFileLimit = std::chrono::seconds(10);
inline constexpr std::size_t kMaxFileReads = 4;  // at once; more wait, within their limit

class FileReader {
 public:
  // For the coroutines of this executor. The clock outlives it.
  FileReader(runtime::Executor executor, runtime::Clock& clock, base::Duration limit = kFileLimit);
  // Regular files up to kMaxSharedFileBytes. Errors as of runtime::real::read_file; unavailable after the
  // limit.
  runtime::Awaitable<base::Result<std::string>> read(std::string path);
  // For Outside. The reader outlives it.
  ReadFile function();

 private:
  runtime::real::LimitedCalls<base::Result<std::string>> calls_;
};

}  // namespace footman::cloud::aws
