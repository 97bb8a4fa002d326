// What becomes of each field of amazon-ecs-plugin: one table, which the import goes by and docs/clouds/ecs.md
// shows.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace footman::jcasc {

enum class Fate {
  kept,     // means the same
  changed,  // means nearly the same; `remark` says the difference
  decide,   // only people know what it is to become
  dropped,  // has no place here; `remark` says why
};

// How the plugin writes it.
enum class Shape {
  text,
  number,
  truth,
  list,  // of maps
};

struct Field {
  std::string_view name;  // as in Jenkins' YAML: "efsMountPoints"
  Fate fate;
  std::string_view key;     // of footman.yaml; "" when it has none
  std::string_view remark;  // for people, "" when there is nothing to say
  Shape shape = Shape::text;
};

// A field of the maps in a list.
struct ItemField {
  std::string_view list;  // "efsMountPoints"
  std::string_view name;
  Shape shape = Shape::text;
};

std::span<const Field> cloud_fields();
std::span<const Field> template_fields();
const Field* find_field(std::span<const Field> fields, std::string_view name);
std::span<const ItemField> item_fields();

// Both as Markdown tables.
std::string describe_fields();

}  // namespace footman::jcasc
