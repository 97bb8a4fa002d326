// As much of HTML as it takes to read Jenkins' own pages. Pure; inside the module.
#pragma once

#include <string>
#include <string_view>

namespace footman::jenkins {

// The text between tags: entities decoded, comments and what is between <script> or <style> left out, white
// space as one space each, none at the ends. Not more than about `max` bytes.
std::string html_text(std::string_view html, std::size_t max);

// What stands between the first <tag …> at or after `from` and the next </tag>, with where that ends;
// nothing: there is none. Elements of the same name inside it are not looked for.
struct HtmlElement {
  std::string_view attributes;
  std::string_view content;
  std::size_t end = std::string_view::npos;  // npos: not found
  bool found() const { return end != std::string_view::npos; }
};
HtmlElement find_element(std::string_view html, std::string_view tag, std::size_t from = 0);

}  // namespace footman::jenkins
