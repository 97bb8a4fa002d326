// A stream with bytes given back. For use inside net only.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "net/net_stream.hpp"

namespace footman::net {

class GiveBackStream final : public NetStream {
 public:
  GiveBackStream(std::string bytes, runtime::ByteStreamPtr inner)
      : bytes_(std::move(bytes)), inner_(std::move(inner)) {}

  runtime::Awaitable<base::Result<std::string>> read(std::size_t max) override {
    if (bytes_.empty()) return inner_->read(max);
    return read_given(max);
  }
  runtime::Awaitable<base::Status> write(std::string bytes) override {
    return inner_->write(std::move(bytes));
  }
  void close() noexcept override { inner_->close(); }
  std::string peer() const override { return inner_->peer(); }
  void write_now(std::string_view bytes) noexcept override {
    if (auto* net = net_inner()) net->write_now(bytes);
  }
  void end_writes() noexcept override {
    if (auto* net = net_inner()) net->end_writes();
  }
  bool quiet() noexcept override { return bytes_.empty() && net_inner() != nullptr && net_inner()->quiet(); }

  std::string take_bytes() { return std::move(bytes_); }
  runtime::ByteStreamPtr take_inner() { return std::move(inner_); }

 private:
  NetStream* net_inner() { return dynamic_cast<NetStream*>(inner_.get()); }
  runtime::Awaitable<base::Result<std::string>> read_given(std::size_t max) {
    const auto count = std::min(max, bytes_.size());
    std::string taken = bytes_.substr(0, count);
    bytes_.erase(0, count);
    if (bytes_.empty()) bytes_.shrink_to_fit();
    co_return taken;
  }
  std::string bytes_;
  runtime::ByteStreamPtr inner_;
};

}  // namespace footman::net
