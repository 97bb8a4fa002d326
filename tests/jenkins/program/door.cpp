#include "tests/jenkins/program/door.hpp"

#include <utility>
#include <vector>

namespace footman::fake_jenkins {

namespace {

class KnownStream final : public runtime::ByteStream {
 public:
  KnownStream(runtime::ByteStreamPtr inner, std::shared_ptr<OpenConnections> connections)
      : inner_(std::move(inner)), connections_(std::move(connections)), peer_(inner_->peer()) {
    connections_->add(peer_, inner_.get());
  }
  ~KnownStream() override { connections_->remove(peer_); }
  KnownStream(const KnownStream&) = delete;
  KnownStream& operator=(const KnownStream&) = delete;

  runtime::Awaitable<base::Result<std::string>> read(std::size_t max) override { return inner_->read(max); }
  runtime::Awaitable<base::Status> write(std::string bytes) override {
    return inner_->write(std::move(bytes));
  }
  void close() noexcept override { inner_->close(); }
  std::string peer() const override { return peer_; }

 private:
  runtime::ByteStreamPtr inner_;
  std::shared_ptr<OpenConnections> connections_;
  std::string peer_;
};

class Door final : public net::Listener {
 public:
  Door(std::unique_ptr<net::Listener> inner, std::shared_ptr<OpenConnections> connections)
      : inner_(std::move(inner)), connections_(std::move(connections)) {}

  net::Endpoint endpoint() const override { return inner_->endpoint(); }
  runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> accept() override {
    while (true) {
      auto stream = co_await inner_->accept();
      if (!stream) co_return std::move(stream);
      if (connections_->closed) continue;  // the stream goes, and with it the connection
      co_return std::make_unique<KnownStream>(std::move(*stream), connections_);
    }
  }
  void close() noexcept override { inner_->close(); }

 private:
  std::unique_ptr<net::Listener> inner_;
  std::shared_ptr<OpenConnections> connections_;
};

}  // namespace

void OpenConnections::cut(const std::string& peer) {
  const auto found = streams_.find(peer);
  if (found != streams_.end()) found->second->close();
}

void OpenConnections::cut_all() {
  std::vector<runtime::ByteStream*> streams;
  streams.reserve(streams_.size());
  for (const auto& [peer, stream] : streams_) streams.push_back(stream);
  for (auto* stream : streams) stream->close();
}

std::unique_ptr<net::Listener> make_door(std::unique_ptr<net::Listener> inner,
                                         std::shared_ptr<OpenConnections> connections) {
  return std::make_unique<Door>(std::move(inner), std::move(connections));
}

}  // namespace footman::fake_jenkins
