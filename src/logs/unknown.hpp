// Logs of builds that the database does not know: an older one was put back, it was deleted, or somebody put
// files there.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "logs/disk.hpp"
#include "logs/layout.hpp"

namespace footman::logs {

struct SetAside {
  std::size_t files = 0;
  std::string folder;  // where they are now; empty: there were none
};

// Moves the files of streams after `newest` out of the way, into DIRECTORY/unknown-<time>. Nothing deletes
// them there: they may be all that is left of somebody's builds.
base::Result<SetAside> set_aside_unknown(Disk& disk, const std::string& directory, base::StreamId newest,
                                         base::Instant now);
// The same with the files of a stream that is only beginning.
base::Result<SetAside> set_aside_stream(Disk& disk, const Layout& layout, base::StreamId stream,
                                        base::Instant now);

// The other way: the right database is there again, and these streams of its are being written. Those without
// a file here get theirs back. Returns how many files.
base::Result<std::size_t> bring_back(Disk& disk, const Layout& layout,
                                     const std::vector<base::StreamId>& streams);

}  // namespace footman::logs
