#include "cloud/aws/file_reader.hpp"

#include <fmt/format.h>

#include <utility>

#include "cloud/aws/shared_files.hpp"
#include "runtime/real/files.hpp"

namespace footman::cloud::aws {

FileReader::FileReader(runtime::Executor executor, runtime::Clock& clock, base::Duration limit)
    : calls_(std::move(executor), clock, limit, kMaxFileReads) {}

runtime::Awaitable<base::Result<std::string>> FileReader::read(std::string path) {
  auto answer = co_await calls_.call([path] { return runtime::real::read_file(path, kMaxSharedFileBytes); });
  if (answer) co_return std::move(*answer);
  co_return base::fail(answer.error().code, fmt::format("the file {} {}", path, answer.error().message));
}

ReadFile FileReader::function() {
  return [this](std::string path) { return read(std::move(path)); };
}

}  // namespace footman::cloud::aws
