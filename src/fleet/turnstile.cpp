#include "fleet/turnstile.hpp"

namespace footman::fleet {

runtime::Awaitable<void> Turnstile::enter() {
  if (free_ > 0) {
    --free_;
    co_return;
  }
  waiting_.push_back(std::make_unique<runtime::Event>());
  co_await waiting_.back()->wait();  // leave() hands its place over
}

void Turnstile::leave() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  waiting_.front()->notify();
  waiting_.pop_front();
}

}  // namespace footman::fleet
