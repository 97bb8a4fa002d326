// Reads a page strictly, as no browser would: what is not balanced, quoted, unique or reachable is a fault.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace footman::web::testing {

struct ReadPage {
  std::vector<std::string> faults;
  std::vector<std::string> links;  // href and action, entities decoded
  std::string text;                // all text, entities decoded
};

ReadPage read_page(std::string_view html);

}  // namespace footman::web::testing
