// A map that remembers the order of use, so that its owner can let go of what was not used for longest.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace footman::logs {

template <class Key, class Value>
class Lru {
 public:
  // The value, now the most recently used; nullptr: not there. Pointers stay valid until the value is erased.
  Value* find(const Key& key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return &it->second->second;
  }
  // Replaces what was there.
  Value& put(const Key& key, Value value) {
    if (auto* old = find(key)) return *old = std::move(value);
    order_.emplace_front(key, std::move(value));
    index_[key] = order_.begin();
    return order_.front().second;
  }
  void erase(const Key& key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return;
    order_.erase(it->second);
    index_.erase(it);
  }
  // Drops the least recently used values for which may_drop(value) holds, until `keep` are left or none can
  // go.
  template <class MayDrop>
  void shrink(std::size_t keep, MayDrop may_drop) {
    for (auto it = order_.end(); it != order_.begin() && index_.size() > keep;) {
      --it;
      if (!may_drop(it->second)) continue;
      index_.erase(it->first);
      it = order_.erase(it);
    }
  }
  void shrink(std::size_t keep) {
    shrink(keep, [](const Value&) { return true; });
  }
  std::size_t size() const { return index_.size(); }

 private:
  using Order = std::list<std::pair<Key, Value>>;
  Order order_;  // most recently used first
  std::unordered_map<Key, typename Order::iterator> index_;
};

}  // namespace footman::logs
