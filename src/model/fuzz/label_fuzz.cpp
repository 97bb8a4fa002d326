// Printing a parsed expression and parsing that again gives the same text and the same truth table.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "model/label.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace footman::model;
  const auto first = parse_label_expression({reinterpret_cast<const char*>(data), size});
  if (!first) {
    FOOTMAN_CHECK(!first.error().message.empty(), "an error has a message");
    return 0;
  }
  // Normalising may add quotes and so pass the limit on bytes; then it must say so.
  const auto second = parse_label_expression(first->text());
  if (!second) {
    FOOTMAN_CHECK(first->text().size() > kMaxLabelExpressionBytes, "the normalised text parses");
    return 0;
  }
  FOOTMAN_CHECK(second->text() == first->text(), "normalising twice changes nothing");
  const auto atoms = first->atoms();
  FOOTMAN_CHECK(second->atoms() == atoms, "the same labels");
  if (atoms.size() > 8) return 0;
  for (unsigned subset = 0; subset < (1U << atoms.size()); ++subset) {
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < atoms.size(); ++i)
      if ((subset >> i & 1U) != 0) labels.push_back(atoms[i]);
    FOOTMAN_CHECK(first->matches(labels) == second->matches(labels), "the same truth table");
  }
  return 0;
}
