// One page of a list: so many things, and not much more than so many bytes. For use inside api only.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstddef>
#include <utility>

#include "api/api.hpp"
#include "api/json_out.hpp"

namespace footman::api {

class Page {
 public:
  explicit Page(std::size_t limit) : limit_(limit) {}

  // No more goes in. At kMaxPageBytes a page ends early: jobs and builds may be big.
  bool full() const { return items_.size() >= limit_ || bytes_ >= kMaxPageBytes; }
  void add(json::object item) {
    bytes_ += to_text(item).size();
    items_.push_back(std::move(item));
  }
  json::array take() { return std::move(items_); }

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
  json::array items_;
};

}  // namespace footman::api
