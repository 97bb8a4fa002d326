// A value that must not be shown: no formatter, no stream operator, wiped when it goes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace footman::base {

// Overwrites the bytes in a way the optimiser keeps.
void wipe(std::string& text) noexcept;

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe(value_);
      value_ = other.value_;
    }
    return *this;
  }
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe(value_);
      value_ = std::move(other.value_);
      wipe(other.value_);
    }
    return *this;
  }
  ~Secret() { wipe(value_); }

  std::string_view expose() const { return value_; }  // the only way out: grep for it
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace footman::base
