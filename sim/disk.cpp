#include "sim/disk.hpp"

namespace footman::sim {

SimDisk::SimDisk(Dice dice) : dice_(dice) {
  logs_.on_durable = [this](base::StreamId stream, std::uint64_t offset, std::string_view bytes) {
    if (on_durable) on_durable(stream, offset, bytes);
  };
}

void SimDisk::crash() {
  logs_.lose_undurable([this](std::uint64_t most) { return dice_.between(0, most); });
}

std::string_view SimDisk::durable(base::StreamId stream) const {
  const auto it = logs_.streams.find(stream);
  return it == logs_.streams.end() ? std::string_view()
                                   : std::string_view(it->second.bytes).substr(0, it->second.durable);
}

runtime::Awaitable<base::Status> SimLogStore::finish(base::StreamId stream) {
  if (disk_.logs_.full) co_return base::fail(base::Errc::resource_exhausted, "no space left for build logs");
  co_return co_await MemoryLogStore::finish(stream);
}

}  // namespace footman::sim
