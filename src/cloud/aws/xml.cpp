#include "cloud/aws/xml.hpp"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <utility>

namespace footman::cloud::aws {

struct XmlDocument::Tree {
  pugi::xml_document document;
};

XmlDocument::XmlDocument(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlDocument& XmlDocument::operator=(XmlDocument&&) noexcept = default;
XmlDocument::~XmlDocument() = default;

Result<XmlDocument> XmlDocument::parse(std::string_view text) {
  if (text.size() > kMaxXmlBytes) return fail(Errc::resource_exhausted, "an XML answer is too long");
  auto tree = std::make_unique<Tree>();
  const auto read =
      tree->document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!read)
    return fail(Errc::corrupt,
                fmt::format("not an XML document: {} (at byte {})", read.description(), read.offset));
  if (!tree->document.document_element()) return fail(Errc::corrupt, "an XML document without an element");
  return XmlDocument(std::move(tree));
}

std::string XmlElement::text(const std::string& path) const {
  const pugi::xml_node node(node_);
  return path.empty() ? node.text().get() : node.first_element_by_path(path.c_str()).text().get();
}

std::vector<XmlElement> XmlElement::list(const std::string& path) const {
  const auto slash = path.rfind('/');
  const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
  const pugi::xml_node node(node_);
  const auto parent =
      slash == std::string::npos ? node : node.first_element_by_path(path.substr(0, slash).c_str());
  std::vector<XmlElement> found;
  for (const auto& child : parent.children(name.c_str()))
    found.push_back(XmlElement(child.internal_object()));
  return found;
}

std::string XmlDocument::text(const std::string& path) const {
  return tree_->document.first_element_by_path(path.c_str()).text().get();
}

std::vector<XmlElement> XmlDocument::list(const std::string& path) const {
  return XmlElement(tree_->document.internal_object()).list(path);
}

std::string XmlDocument::root() const { return tree_->document.document_element().name(); }

}  // namespace footman::cloud::aws
