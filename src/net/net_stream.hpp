// What the streams of this module can do beyond ByteStream. For use inside net only.
#pragma once

#include <string_view>

#include "runtime/stream.hpp"

namespace footman::net {

// All of it is best effort and never waits.
class NetStream : public runtime::ByteStream {
 public:
  // Last words before close(): sent if nothing is being written and the kernel takes them at once.
  virtual void write_now(std::string_view bytes) noexcept = 0;
  // Tells the other side that nothing more comes; reading goes on.
  virtual void end_writes() noexcept = 0;
  // Nothing waits to be read, not even the end: the connection is fit for another request.
  virtual bool quiet() noexcept = 0;
};

}  // namespace footman::net
