#include "sim/net.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "runtime/wait.hpp"

namespace footman::sim {

using base::Errc;
using base::Result;
using runtime::Awaitable;

namespace {
constexpr std::size_t kSocketBytes = 256 * 1024;  // of one direction, written and not yet read
constexpr Duration kConnectTimeout = 10s;
}  // namespace

// Both ends of one connection.
class Wire final : public std::enable_shared_from_this<Wire> {
 public:
  Wire(SimNet& net, std::uint64_t number, std::string from, std::string to, Life& first, Life& second)
      : net_(net), number_(number), names_{std::move(from), std::move(to)}, lives_{&first, &second} {}

  Awaitable<Result<std::string>> read(int side, std::size_t max) {
    const auto keep = shared_from_this();
    auto& in = halves_[side];
    while (true) {
      if (in.closed || in.reset) co_return broken();
      if (!in.arrived.empty()) break;
      if (in.ended) co_return std::string();
      co_await in.readable.wait();
    }
    auto count = std::min(max, in.arrived.size());
    if (net_.dice_.chance(0.3)) count = net_.dice_.between(std::uint64_t{1}, count);
    auto taken = in.arrived.substr(0, count);
    in.arrived.erase(0, count);
    in.unread -= count;
    in.writable.notify();
    co_return taken;
  }

  Awaitable<base::Status> write(int side, std::string bytes) {
    const auto keep = shared_from_this();
    auto& out = halves_[1 - side];
    while (true) {
      if (halves_[side].closed || halves_[side].reset) co_return broken();
      if (out.unread < kSocketBytes) break;
      co_await out.writable.wait();
    }
    if (net_.tap) net_.tap(number_, names_[side], names_[1 - side], bytes);
    out.unread += bytes.size();
    send(1 - side, std::move(bytes));
    co_return base::Status();
  }

  void close(int side) noexcept {
    auto& own = halves_[side];
    if (std::exchange(own.closed, true)) return;
    own.wake();
    halves_[1 - side].writable.notify();
    if (net_.dice_.chance(0.2))  // unread input makes a reset of it, which overtakes the last bytes
      deliver(1 - side, [](Half& peer) { peer.take_reset(); });
    else
      deliver(1 - side, [](Half& peer) { peer.ended = true; });
  }

  void cut() {
    for (auto& half : halves_) half.take_reset();
  }
  void set_half_open() { half_open_ = true; }
  bool ended() const { return finished(0) && finished(1); }
  bool open() const {
    return !halves_[0].reset && !halves_[1].reset && !halves_[0].closed && !halves_[1].closed;
  }
  bool half_open() const { return half_open_; }
  const std::string& name(int side) const { return names_[side]; }

  void end_life(const Life& life, bool silent) {
    for (int side = 0; side < 2; ++side) {
      if (lives_[side] != &life) continue;
      lives_[side] = nullptr;
      const bool was_closed = std::exchange(halves_[side].closed, true);
      halves_[side].wake();
      halves_[1 - side].writable.notify();  // the side's own writer waits there
      if (!silent && !was_closed) deliver(1 - side, [](Half& peer) { peer.take_reset(); });
    }
  }
  void release_held() {
    for (auto& half : halves_) {
      auto held = std::exchange(half.held, {});
      for (auto& change : held) change(half);
      if (!held.empty()) half.wake();
    }
  }

  std::string peer_name(int side) const { return fmt::format("{}#{}", names_[1 - side], number_); }

 private:
  // What flows towards one end.
  struct Half {
    std::string arrived;
    std::size_t unread = 0;  // arrived or under way
    bool ended = false;      // the peer's orderly end has arrived
    bool reset = false;
    bool closed = false;  // by this end
    Duration last_arrival{0};
    std::deque<std::function<void(Half&)>> held;  // by a partition
    runtime::Event readable;
    runtime::Event writable;

    void wake() {
      readable.notify();
      writable.notify();
    }
    void take_reset() {
      reset = true;
      arrived.clear();
      wake();
    }
  };
  using Change = std::function<void(Half&)>;

  static std::unexpected<base::Error> broken() { return base::fail(Errc::io, "the connection was reset"); }
  bool finished(int side) const {
    return lives_[side] == nullptr || halves_[side].closed || halves_[side].reset;
  }

  // In pieces, as networks do it.
  void send(int to, std::string bytes) {
    if (lives_[to] == nullptr) return answer_for_the_dead(1 - to);
    while (!bytes.empty()) {
      auto size = bytes.size();
      if (size > 1 && net_.dice_.chance(0.2)) size = net_.dice_.between(std::uint64_t{1}, size);
      deliver(to, [piece = bytes.substr(0, size)](Half& half) {
        if (!half.closed && !half.reset) half.arrived += piece;
      });
      bytes.erase(0, size);
    }
  }

  // Nobody is there any more; another process at that address answers with a reset.
  void answer_for_the_dead(int side) {
    if (net_.listeners_.contains(names_[1 - side])) deliver(side, [](Half& half) { half.take_reset(); });
  }

  void deliver(int to, Change change) {
    auto& half = halves_[to];
    // Never at the same instant: then the order would be anybody's.
    half.last_arrival = std::max(net_.loop_.now() + net_.latency(), half.last_arrival + 1us);
    net_.loop_.after(half.last_arrival - net_.loop_.now(),
                     [self = shared_from_this(), to, moved = std::move(change)]() mutable {
                       self->arrive(to, std::move(moved));
                     });
  }

  void arrive(int to, Change change) {
    if (half_open_) return;
    auto& half = halves_[to];
    if (!half.held.empty() || net_.partitioned(names_[0], names_[1]))
      return half.held.push_back(std::move(change));
    change(half);
    half.wake();
  }

  SimNet& net_;
  std::uint64_t number_;
  std::string names_[2];
  Life* lives_[2];
  Half halves_[2];
  bool half_open_ = false;
};

namespace {

class SimEnd final : public runtime::ByteStream {
 public:
  SimEnd(std::shared_ptr<Wire> wire, int side) : wire_(std::move(wire)), side_(side) {}
  SimEnd(const SimEnd&) = delete;
  SimEnd& operator=(const SimEnd&) = delete;
  ~SimEnd() override { wire_->close(side_); }
  Awaitable<Result<std::string>> read(std::size_t max) override { return wire_->read(side_, max); }
  Awaitable<base::Status> write(std::string bytes) override { return wire_->write(side_, std::move(bytes)); }
  void close() noexcept override { wire_->close(side_); }
  std::string peer() const override { return wire_->peer_name(side_); }

 private:
  std::shared_ptr<Wire> wire_;
  int side_;
};

std::pair<std::string, std::string> pair_of(const std::string& a, const std::string& b) {
  return a < b ? std::pair(a, b) : std::pair(b, a);
}

}  // namespace

struct Connecting {
  Life* life = nullptr;
  std::string from;
  std::string to;
  std::optional<Result<runtime::ByteStreamPtr>> result;
  runtime::Event done;
};

SimNet::SimNet(SimLoop& loop, Dice dice) : loop_(loop), dice_(dice) {}
SimNet::~SimNet() = default;

Duration SimNet::latency() { return slow_ ? dice_.jitter(Duration(400ms)) : dice_.jitter(Duration(600us)); }

void SimNet::listen(const std::string& node, Life& life, Accept accept) {
  listeners_.insert_or_assign(node, Listener{&life, std::move(accept)});
}
void SimNet::stop_listening(const std::string& node) { listeners_.erase(node); }

Awaitable<Result<runtime::ByteStreamPtr>> SimNet::connect(Life* life, std::string from, std::string to) {
  const auto connecting = std::make_shared<Connecting>();
  connecting->life = life;
  connecting->from = std::move(from);
  connecting->to = std::move(to);
  const auto delay = partitioned(connecting->from, connecting->to) ? kConnectTimeout : latency() * 3;
  loop_.after(delay, [this, weak = std::weak_ptr(connecting)] { open(weak); });
  while (!connecting->result) co_await connecting->done.wait();
  co_return std::move(*connecting->result);
}

void SimNet::open(std::weak_ptr<Connecting> weak) {
  const auto connecting = weak.lock();
  if (!connecting) return;  // who asked is dead
  const auto listener = listeners_.find(connecting->to);
  if (partitioned(connecting->from, connecting->to)) {
    connecting->result = base::fail(Errc::timeout, "connection timed out");
  } else if (listener == listeners_.end()) {
    connecting->result = base::fail(Errc::io, "connection refused");
  } else {
    forget_ended();
    auto wire = std::make_shared<Wire>(*this, ++wires_made_, connecting->from, connecting->to,
                                       *connecting->life, *listener->second.life);
    wires_.push_back(wire);
    connecting->result = std::make_unique<SimEnd>(wire, 0);
    listener->second.accept(std::make_unique<SimEnd>(wire, 1));
  }
  connecting->done.notify();
}

void SimNet::forget_ended() {
  wires_.remove_if([](const auto& wire) { return wire->ended(); });
}

void SimNet::end_life(const Life& life, bool silent) {
  for (const auto& wire : wires_) wire->end_life(life, silent);
}

bool SimNet::cut_one() {
  std::vector<std::shared_ptr<Wire>> open;
  for (const auto& wire : wires_)
    if (wire->open()) open.push_back(wire);
  if (open.empty()) return false;
  const auto& wire = dice_.pick(open);
  loop_.trace().note(loop_.now(), wire->name(0), "connection cut");
  wire->cut();
  return true;
}

bool SimNet::half_open_one() {
  std::vector<std::shared_ptr<Wire>> open;
  for (const auto& wire : wires_)
    if (wire->open() && !wire->half_open()) open.push_back(wire);
  if (open.empty()) return false;
  const auto& wire = dice_.pick(open);
  loop_.trace().note(loop_.now(), wire->name(0), "connection half-open");
  wire->set_half_open();
  return true;
}

void SimNet::set_partition(const std::string& a, const std::string& b, bool on) {
  if (on) {
    partitions_.emplace(pair_of(a, b), loop_.now());
    return;
  }
  partitions_.erase(pair_of(a, b));
  for (const auto& wire : wires_)
    if (!partitioned(wire->name(0), wire->name(1))) wire->release_held();
}

std::optional<Duration> SimNet::parted_since(const std::string& a, const std::string& b) const {
  std::optional<Duration> since;
  for (const auto& pair : {pair_of(a, b), pair_of(a, "*"), pair_of(b, "*")})
    if (const auto found = partitions_.find(pair); found != partitions_.end())
      since = std::min(since.value_or(found->second), found->second);
  return since;
}

void SimNet::heal() {
  slow_ = false;
  partitions_.clear();
  for (const auto& wire : wires_) wire->release_held();
}

}  // namespace footman::sim
