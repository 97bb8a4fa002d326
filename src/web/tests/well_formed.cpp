#include "web/tests/well_formed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace footman::web::testing {
namespace {

const std::set<std::string, std::less<>> kVoid{"br", "col", "hr", "img", "input", "link", "meta", "wbr"};

std::string decode(std::string_view text) {
  static const std::map<std::string, char, std::less<>> kEntities{
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"#39", '\''}};
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '&') {
      out += text[i];
      continue;
    }
    const auto end = text.find(';', i);
    const auto entity =
        end == std::string_view::npos ? kEntities.end() : kEntities.find(text.substr(i + 1, end - i - 1));
    out += entity == kEntities.end() ? '?' : entity->second;
    if (entity != kEntities.end()) i = end;
  }
  return out;
}

class Reader {
 public:
  explicit Reader(std::string_view html) : html_(html) {}

  ReadPage read() {
    while (at_ < html_.size()) {
      if (html_[at_] == '<')
        read_tag();
      else
        read_text();
    }
    if (!open_.empty()) fault("not closed: " + open_.back());
    check_references();
    return std::move(page_);
  }

 private:
  void fault(std::string what) { page_.faults.push_back(std::move(what)); }
  bool take(std::string_view what) {
    if (!html_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  std::string take_until(std::string_view stops) {
    const auto end = std::min(html_.find_first_of(stops, at_), html_.size());
    auto taken = std::string(html_.substr(at_, end - at_));
    at_ = end;
    return taken;
  }
  void read_text() {
    const auto raw = take_until("<");
    if (raw.contains('>')) fault("a bare > in: " + raw);
    for (std::size_t i = raw.find('&'); i != std::string::npos; i = raw.find('&', i + 1))
      if (raw.find(';', i) == std::string::npos) fault("a bare & in: " + raw);
    if (!open_.empty() && open_.back() == "script" && !raw.empty()) fault("a script in the page: " + raw);
    page_.text += decode(raw);
  }
  void read_tag() {
    if (take("<!doctype html>")) return;
    if (take("</")) {
      const auto name = take_until(">");
      if (open_.empty() || open_.back() != name) fault("closed, but not open: " + name);
      if (!open_.empty()) open_.pop_back();
      take(">");
      return;
    }
    take("<");
    const auto name = take_until(" \n/>");
    const auto attributes = read_attributes(name);
    check_element(name, attributes);
    if (take("/>")) return;
    if (!take(">")) fault("no > after " + name);
    if (!kVoid.contains(name)) open_.push_back(name);
  }
  std::map<std::string, std::string> read_attributes(const std::string& element) {
    std::map<std::string, std::string> found;
    while (at_ < html_.size()) {
      while (take(" ") || take("\n")) {
      }
      if (html_[at_] == '>' || html_[at_] == '/') break;
      const auto name = take_until("= \n/>");
      std::string value;
      if (take("=")) {
        if (!take("\"")) fault(fmt::format("{}: not quoted: {}", element, name));
        value = take_until("\"");
        if (value.contains('<') || value.contains('>'))
          fault(fmt::format("{}: a bare bracket in {}", element, name));
        take("\"");
      }
      if (!found.emplace(name, decode(value)).second) fault(fmt::format("{}: twice: {}", element, name));
    }
    return found;
  }
  void check_element(const std::string& name, const std::map<std::string, std::string>& attributes) {
    for (const auto& [key, value] : attributes) {
      if (key == "style" || key.starts_with("on")) fault(fmt::format("{}: {}", name, key));
      if (key == "id" && !ids_.insert(value).second) fault("the id is there twice: " + value);
      if (key == "for" || key == "aria-describedby" || key == "aria-labelledby") wanted_.push_back(value);
      if (key == "href" && value.starts_with("#")) wanted_.push_back(value.substr(1));
      if (key == "href" || key == "src" || key == "action") {
        page_.links.push_back(value);
        if (!value.starts_with("#") && (!value.starts_with("/") || value.starts_with("//")))
          fault(fmt::format("{} leads elsewhere: {}", name, value));
      }
    }
    if (name == "script" && !attributes.contains("src")) fault("a script in the page");
    if (name == "iframe" || name == "object" || name == "embed" || name == "base") fault("element " + name);
    if (name == "img" && !attributes.contains("alt")) fault("a picture without a text");
    if (name == "svg" && !attributes.contains("aria-hidden"))
      fault("a drawing that is not hidden from readers");
  }
  void check_references() {
    for (const auto& id : wanted_)
      if (!ids_.contains(id)) fault("no element has the id " + id);
  }

  std::string_view html_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  std::set<std::string> ids_;
  std::vector<std::string> wanted_;
  ReadPage page_;
};

}  // namespace

ReadPage read_page(std::string_view html) { return Reader(html).read(); }

}  // namespace footman::web::testing
