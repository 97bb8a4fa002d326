// JSON from outside, read strictly: every field is asked for by name, what nobody asked for is refused with
// the nearest name that was, types and ranges are checked, and an error says where ("spec.steps[2].script").
//
//   Fields in(value, "", errors);
//   in.text("path", job.path, Need::required);
//   in.done();
//
// The first error wins and makes everything after it a no-op, so that readers are straight lines.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace footman::api {

using namespace footman::base;

inline constexpr std::size_t kMaxJsonDepth = 32;

// The one value of a document. Errors: invalid_argument with line and column, for a key that stands twice in
// one object, too; nested too deep.
Result<boost::json::value> parse_json(std::string_view text);

class Errors {
 public:
  void add(std::string message, std::string field, std::string hint = {});
  bool any() const { return first_.has_value(); }
  // Nothing was wrong, or the first thing that was.
  Status status() const;

 private:
  std::optional<Error> first_;
};

enum class Need { optional, required };

class Fields {
 public:
  // `path`: of this object in the document, "" for the whole. Must outlive: value, errors.
  Fields(const boost::json::value& value, std::string path, Errors& errors);

  // A field that is not there leaves `out` as it is.
  void text(std::string_view name, std::string& out, Need need = Need::optional);
  void flag(std::string_view name, bool& out);
  template <class Number>
  void number(std::string_view name, Number& out, std::uint64_t most = std::numeric_limits<Number>::max()) {
    if (const auto read = read_number(name, most)) out = static_cast<Number>(*read);
  }
  // Integer milliseconds.
  void duration_ms(std::string_view name, Duration& out, Duration most);
  void texts(std::string_view name, std::vector<std::string>& out, std::size_t most);
  void text_map(std::string_view name, std::map<std::string, std::string>& out, std::size_t most);
  template <class T>
  void object(std::string_view name, T& out, void (*read)(Fields&, T&), Need need = Need::optional) {
    const auto* value = find(name, need);
    if (value == nullptr) return;
    Fields inner(*value, field(name), errors_);
    read(inner, out);
    inner.done();
  }
  template <class T>
  void objects(std::string_view name, std::vector<T>& out, void (*read)(Fields&, T&), std::size_t most,
               Need need = Need::optional) {
    const auto* array = find_array(name, most, need);
    if (array == nullptr) return;
    out.clear();
    out.reserve(array->size());
    for (std::size_t i = 0; i < array->size() && !errors_.any(); ++i) {
      Fields inner((*array)[i], field(name) + "[" + std::to_string(i) + "]", errors_);
      read(inner, out.emplace_back());
      inner.done();
    }
  }
  bool has(std::string_view name) const;
  // Refuses what nobody asked for, then what is missing. Call last.
  void done();
  std::string field(std::string_view name) const;
  Errors& errors() { return errors_; }

 private:
  const boost::json::value* find(std::string_view name, Need need);
  const boost::json::array* find_array(std::string_view name, std::size_t most, Need need);
  std::optional<std::uint64_t> read_number(std::string_view name, std::uint64_t most);
  void expected(std::string_view what, std::string_view name, const boost::json::value& found);

  const boost::json::object* object_ = nullptr;
  std::string path_;
  Errors& errors_;
  std::vector<std::string> asked_;
  std::string missing_;
};

}  // namespace footman::api
