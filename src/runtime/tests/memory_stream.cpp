#include "runtime/tests/memory_stream.hpp"

#include <algorithm>
#include <utility>

#include "runtime/wait.hpp"

namespace footman::runtime {
namespace {

// One direction.
struct Pipe {
  std::string bytes;
  bool ended = false;   // by the writer: what is here can still be read
  bool broken = false;  // cut, or closed by the reader
  Event readable;
  Event writable;

  void wake() {
    readable.notify();
    writable.notify();
  }
};

struct Wire final : MemoryWire {
  explicit Wire(std::size_t capacity_bytes) : capacity(capacity_bytes) {}
  void cut() override {
    for (auto& pipe : pipes) {
      pipe.broken = true;
      pipe.bytes.clear();
      pipe.wake();
    }
  }
  void swallow(bool on) override { swallowing = on; }
  void hold(bool on) override {
    holding = on;
    if (on) return;
    for (auto& pipe : pipes) pipe.readable.notify();
  }

  std::size_t capacity;
  bool swallowing = false;
  bool holding = false;
  Pipe pipes[2];
};

std::unexpected<base::Error> broken() { return base::fail(base::Errc::io, "the connection was cut"); }

class End final : public ByteStream {
 public:
  End(std::shared_ptr<Wire> wire, int side, std::string peer)
      : wire_(std::move(wire)),
        in_(wire_->pipes[side]),
        out_(wire_->pipes[1 - side]),
        peer_(std::move(peer)) {}
  ~End() override { close(); }

  Awaitable<base::Result<std::string>> read(std::size_t max) override {
    const auto keep = wire_;
    while (true) {
      if (closed_ || in_.broken) co_return broken();
      const bool may_deliver = !wire_->holding;
      if (may_deliver && !in_.bytes.empty()) break;
      if (may_deliver && in_.ended) co_return std::string();
      co_await in_.readable.wait();
    }
    const auto count = std::min(max, in_.bytes.size());
    std::string taken = in_.bytes.substr(0, count);
    in_.bytes.erase(0, count);
    in_.writable.notify();
    co_return taken;
  }

  Awaitable<base::Status> write(std::string bytes) override {
    const auto keep = wire_;
    while (true) {
      if (closed_ || out_.broken) co_return broken();
      if (wire_->swallowing) co_return base::Status();
      if (out_.bytes.size() < wire_->capacity) break;
      co_await out_.writable.wait();
    }
    out_.bytes += bytes;
    out_.readable.notify();
    co_return base::Status();
  }

  void close() noexcept override {
    if (std::exchange(closed_, true)) return;
    in_.broken = true;
    if (!wire_->swallowing) out_.ended = true;
    in_.wake();
    out_.wake();
  }

  std::string peer() const override { return peer_; }

 private:
  std::shared_ptr<Wire> wire_;
  Pipe& in_;
  Pipe& out_;
  std::string peer_;
  bool closed_ = false;
};

}  // namespace

MemoryStreams make_memory_streams(std::size_t capacity_bytes, std::string first_peer,
                                  std::string second_peer) {
  auto wire = std::make_shared<Wire>(capacity_bytes);
  return {std::make_unique<End>(wire, 0, std::move(first_peer)),
          std::make_unique<End>(wire, 1, std::move(second_peer)), wire};
}

}  // namespace footman::runtime
