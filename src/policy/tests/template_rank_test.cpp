#include "policy/template_rank.hpp"

#include <doctest/doctest.h>

using namespace footman::policy;
using footman::model::Money;

namespace {

struct Offer {
  std::string name;
  std::vector<std::string> labels;
  std::int64_t micros_per_hour = 0;
  int priority = 0;
  std::string cloud = "here";
};

std::string order(const std::vector<Offer>& offers, const std::string& wish) {
  std::vector<Template> templates;
  for (const auto& offer : offers) {
    Template t;
    t.name = TemplateName(offer.name);
    t.cloud = CloudName(offer.cloud);
    t.labels = offer.labels;
    t.per_hour = Money{offer.micros_per_hour};
    t.priority = offer.priority;
    templates.push_back(std::move(t));
  }
  std::vector<const Template*> pointers;
  for (const auto& t : templates) pointers.push_back(&t);
  sort_templates(pointers, *footman::model::parse_label_expression(wish));
  std::string names;
  for (const auto* t : pointers) names += (names.empty() ? "" : " ") + t->name.str();
  return names;
}

}  // namespace

TEST_CASE("priority, then price, then the fewest labels that nobody asked for, then names") {
  CHECK(order({{"cheap", {"linux"}, 1}, {"first", {"linux"}, 9, 1}}, "linux") == "first cheap");
  CHECK(order({{"narrow", {"linux"}, 2}, {"wide", {"linux", "gpu"}, 1}}, "linux") == "wide narrow");
  CHECK(order({{"wide", {"linux", "gpu"}, 1}, {"narrow", {"linux"}, 1}}, "linux") == "narrow wide");
  // All of the labels of "two" were asked for.
  CHECK(order({{"two", {"a", "b"}}, {"one", {"c"}}}, "a || b || !c") == "one two");
  CHECK(order({{"x", {"a", "d"}}, {"two", {"a", "b", "c"}}}, "a && (b || c || d || true)") == "x two");
  CHECK(order({{"surplus", {"a", "z"}}, {"two", {"a", "b"}}}, "a || b") == "two surplus");
  CHECK(order({{"b", {}}, {"a", {}}, {"c", {}, 0, 0, "cloud"}}, "") == "c a b");
  CHECK(order({{"low", {}, 0, -2'000'000'000}, {"high", {}, 0, 2'000'000'000}}, "") == "high low");
}
