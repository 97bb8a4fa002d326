// Jenkins' rules of what an /api/json shows of an object: everything above a depth, or what `tree=` names.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.hpp"

namespace footman::fake_jenkins {

// What is asked of one object.
class Selection {
 public:
  static Selection by_depth(int depth);
  // "items[id,task[name,url]],x": an error where Jenkins would not read it.
  static base::Result<Selection> by_tree(std::string_view tree);

  // What is asked of a member, or nothing when it is not shown. Visibilities are those of Jenkins' @Exported;
  // an inlined member counts as a part of its owner.
  std::optional<Selection> of(std::string_view name, int visibility = 1, bool inlined = false) const;

  struct Tree {
    std::map<std::string, std::shared_ptr<Tree>, std::less<>> members;
  };

 private:
  std::shared_ptr<const Tree> tree_;  // null: by depth
  int level_ = 1;
};

inline boost::json::value to_text(std::string_view text) {
  return boost::json::string(text.data(), text.size());
}

// One object as it is shown: members in the order they are added, as Jenkins has its own.
class Export {
 public:
  // Without a class name the object has no _class, as where Jenkins' declared type is the real one.
  Export(const Selection& asked, std::string_view class_name = {});

  template <class Value>
  Export& add(std::string_view name, const Value& value, int visibility = 1) {
    if (!asked_.of(name, visibility)) return *this;
    if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
      object_[std::string(name)] = to_text(value);
    } else {
      object_[std::string(name)] = boost::json::value(value);
    }
    return *this;
  }
  // Calls `make(const Selection&)` for the member's value, if it is shown.
  template <class Make>
  Export& add_object(std::string_view name, Make make, int visibility = 1, bool inlined = false) {
    if (const auto member = asked_.of(name, visibility, inlined)) {
      object_[std::string(name)] = make(*member);
    }
    return *this;
  }
  // The same for an array: `make(const Element&, const Selection&)` for each.
  template <class Elements, class Make>
  Export& add_array(std::string_view name, const Elements& elements, Make make, int visibility = 1,
                    bool inlined = false) {
    return add_object(
        name,
        [&](const Selection& member) {
          boost::json::array array;
          for (const auto& element : elements) array.push_back(make(element, member));
          return boost::json::value(std::move(array));
        },
        visibility, inlined);
  }

  boost::json::value done() { return std::move(object_); }

 private:
  const Selection& asked_;
  boost::json::object object_;
};

}  // namespace footman::fake_jenkins
