// Options of ecs/options.hpp out of a map of the document: each field from the key of its name
// (ecs_keys.hpp). Where each was written is kept, for what is found wrong with the options later.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/ecs_keys.hpp"
#include "config/reader.hpp"
#include "ecs/fields.hpp"

namespace footman::config {

class EcsReader {
 public:
  explicit EcsReader(Reader& reader) : reader_(reader) {}

  ecs::CloudOptions read_cloud(const YamlNode& section);
  // Its container's environment is not read: it stands in the template itself.
  ecs::TemplateOptions read_template(const YamlNode& section);

  void set_place(const std::string& field, Position at) { places_[field] = at; }
  // Of the field, else of what it is a part of, else `otherwise`.
  Position find_place(std::string field, Position otherwise) const;

 private:
  struct Spot {
    std::string field;   // path in the options: "container.log"
    std::string schema;  // of its section in the schema
    std::string_view key;
    std::string_view name;  // of the field itself
  };

  template <ecs::Object T>
  void read_fields(const YamlNode& map, const Spot& spot, T& out);
  template <class T>
  void read_key(const YamlNode& map, std::string_view key, const Spot& section, std::string_view name,
                T& out);

  void read(const YamlNode& node, const Spot& spot, std::string& out) { reader_.read(node, spot.key, out); }
  void read(const YamlNode& node, const Spot& spot, bool& out) { reader_.read(node, spot.key, out); }
  void read(const YamlNode& node, const Spot& spot, Duration& out) { reader_.read(node, spot.key, out); }
  void read(const YamlNode& node, const Spot& spot, std::uint32_t& out);
  void read(const YamlNode& node, const Spot& spot, std::integral auto& out) {
    reader_.read(node, spot.key, out);
  }
  template <class E>
    requires std::is_enum_v<E>
  void read(const YamlNode& node, const Spot& spot, E& out);
  template <class T>
  void read(const YamlNode& node, const Spot& spot, std::optional<T>& out) {
    read(node, spot, out.emplace());
  }
  template <class T>
  void read(const YamlNode& node, const Spot& spot, std::vector<T>& out);
  void read(const YamlNode& node, const Spot& spot, ecs::TextMap& out);
  void read(const YamlNode& node, const Spot& spot, ecs::Capacity& out);
  void read(const YamlNode& node, const Spot& spot, ecs::CapacityProvider& out);
  template <ecs::Object T>
  void read(const YamlNode& node, const Spot& spot, T& out);

  void read_whole(const YamlNode& node, std::string_view key, std::uint64_t unit, std::string_view unit_name,
                  std::uint32_t& out);
  void read_units(const YamlNode& node, std::string_view key, std::uint32_t& out);
  void read_providers(const YamlNode& node, const Spot& spot, ecs::Capacity& out);
  void read_patch(const YamlNode& section, std::string& out);

  Reader& reader_;
  std::map<std::string, Position, std::less<>> places_;
};

}  // namespace footman::config
