// XML answers of the query services (STS, EC2, IAM): texts by the names of their elements. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace pugi {
struct xml_node_struct;
}

namespace footman::cloud::aws {

using namespace footman::base;

inline constexpr std::size_t kMaxXmlBytes = 8UL * 1024 * 1024;

// Of a document, which outlives it. Paths are as those of the document, from here on.
class XmlElement {
 public:
  std::string text(const std::string& path = {}) const;  // without a path its own
  std::vector<XmlElement> list(const std::string& path) const;

 private:
  friend class XmlDocument;
  explicit XmlElement(pugi::xml_node_struct* node) : node_(node) {}
  pugi::xml_node_struct* node_;
};

class XmlDocument {
 public:
  // Entities of a document type are not expanded, and nothing is fetched. Errors: corrupt, with the offset;
  // resource_exhausted above kMaxXmlBytes.
  static Result<XmlDocument> parse(std::string_view text);
  XmlDocument(XmlDocument&&) noexcept;
  XmlDocument& operator=(XmlDocument&&) noexcept;
  ~XmlDocument();

  // The text of the first element at the path from the root on, names without prefixes of namespaces:
  // "GetCallerIdentityResponse/GetCallerIdentityResult/Arn". Empty when there is no such element.
  std::string text(const std::string& path) const;
  // All elements of the last name, within the first of each name before: "…/subnetSet/item".
  std::vector<XmlElement> list(const std::string& path) const;
  std::string root() const;  // the name of the root element

 private:
  struct Tree;
  explicit XmlDocument(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

}  // namespace footman::cloud::aws
