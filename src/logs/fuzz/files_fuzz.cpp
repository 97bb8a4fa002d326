// The side files of a damaged disk: archives with their seek tables, indexes, and tails.
// Input: one byte (which of them), then the file. Reading never fails in another way than with an error,
// agrees with itself whatever the ranges are, and an index is written on after a restart.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "logs/archive.hpp"
#include "logs/format.hpp"
#include "logs/limits.hpp"
#include "logs/reader.hpp"

using namespace footman;
using namespace footman::logs;

namespace {

// Every name is the one file.
class OneFile final : public Disk {
 public:
  explicit OneFile(std::string_view bytes) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    FOOTMAN_CHECK(Disk::write(file_.get(), 0, bytes).has_value(), "write to memory");
  }
  base::Result<UniqueFd> open(const std::string& /*path*/, int /*flags*/) override {
    return UniqueFd(::dup(file_.get()));
  }

 private:
  UniqueFd file_;
};

void fuzz_archive(std::string_view bytes) {
  OneFile disk(bytes);
  auto archive = Archive::open(disk, "archive");
  if (!archive) return;
  // The last frame's byte and one from the middle, then everything from the start, as far as it is readable.
  const auto size = archive->log_bytes();
  const auto all = archive->read(0, kMaxReadBytes);
  for (const auto offset : {size / 2, size - (size > 0 ? 1 : 0), size}) {
    const auto some = archive->read(offset, 100);
    if (!all || !some || offset >= all->size()) continue;
    const auto common = std::min<std::size_t>(some->size(), all->size() - offset);
    FOOTMAN_CHECK(some->substr(0, common) == all->substr(offset, common), "ranges differ");
  }
}

void fuzz_seek_table(std::string_view bytes) {
  const auto table = parse_seek_table(bytes, bytes.size());
  if (table) FOOTMAN_CHECK(table->frames().empty(), "frames without room for them");
  for (const std::uint64_t archive_bytes : {bytes.size() + 100, bytes.size() + 1'000'000}) {
    const auto other = parse_seek_table(bytes, archive_bytes);
    if (!other) continue;
    FOOTMAN_CHECK(other->compressed_bytes() + bytes.size() == archive_bytes, "sizes add up");
    FOOTMAN_CHECK(encode_seek_table(*other) == bytes, "written and read again");
  }
}

void fuzz_index(std::string_view bytes) {
  const base::StreamId stream(1);
  OneFile disk(bytes);
  Reader reader(disk, Layout("/nowhere"));
  const auto all = reader.marks(stream, 0, UINT64_MAX, UINT64_MAX);
  FOOTMAN_CHECK(all.has_value() && all->size() * kIndexRecordBytes <= bytes.size(), "marks out of nothing");
  for (const auto& mark : *all) {
    std::string record;
    encode_mark(record, mark);
    FOOTMAN_CHECK(bytes.find(record) != std::string_view::npos, "a mark that is not in the file");
  }
  if (check_index_header(bytes, stream) && bytes.size() >= kIndexHeaderBytes) (void)decode_synced(bytes);
}

void fuzz_tail(std::string_view bytes) {
  const auto tail = decode_tail(bytes);
  if (!tail) return;
  FOOTMAN_CHECK(tail->from <= tail->to, "a range");
  FOOTMAN_CHECK(encode_tail(*tail) == bytes, "written and read again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      fuzz_archive(bytes);
      break;
    case 1:
      fuzz_seek_table(bytes);
      break;
    case 2:
      fuzz_index(bytes);
      break;
    default:
      fuzz_tail(bytes);
  }
  return 0;
}
