#include "jcasc/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "config/config.hpp"
#include "config/inheritance.hpp"
#include "ecs/forms.hpp"
#include "jcasc/draft.hpp"
#include "jcasc/fields.hpp"
#include "jcasc/plugin_template.hpp"
#include "jcasc/template_conversion.hpp"
#include "jcasc/tidy.hpp"
#include "model/validate.hpp"

namespace footman::jcasc {
namespace {

using config::Diagnostic;
using Kind = YamlNode::Kind;

constexpr std::string_view kFillIn = "FILL IN";
constexpr int kMaxRounds = 100;  // each settles one key at least
constexpr std::size_t kMaxCloudName = 40;

// What is required, in a form that the checks accept, where Jenkins' file does not have it.
constexpr std::pair<std::string_view, std::string_view> kPlaceholders[] = {
    {"image", "FILL-IN"},
    {"subnets", "[subnet-00000000000000000]"},
    {"execution_role", "arn:aws:iam::000000000000:role/FILL-IN"},
    {"cpu", "1 vCPU"},
    {"memory", "2 GiB"},
    {"container_memory", "2 GiB"},
    {"task_definition", "FILL-IN"},
};

std::string placeholder_for(std::string_view key, const std::string& partition) {
  for (const auto& [name, value] : kPlaceholders) {
    if (name != key) continue;
    std::string text(value);
    if (text.starts_with("arn:aws:") && !partition.empty()) text.replace(4, 3, partition);
    return text;
  }
  return {};
}

// Values that footman.yaml would take for something else.
std::string why_unusable(std::string_view yaml) {
  if (yaml.find("${") != yaml.npos) return fmt::format("{}: only Jenkins knows this variable", kFillIn);
  if (yaml.starts_with("file:") || yaml.starts_with("\"file:"))
    return fmt::format("{}: text that begins with file: is read from that file", kFillIn);
  return {};
}

std::string marked(const std::string& why) {
  return why.starts_with(kFillIn) ? why : fmt::format("{}: {}", kFillIn, why);
}

std::string without_key(std::string_view message) {
  const auto end = message.starts_with('\'') ? message.find("': ") : message.npos;
  return std::string(end == message.npos ? message : message.substr(end + 3));
}

// ── names

std::string make_unique(const std::string& name, std::set<std::string>& taken) {
  auto unique = name;
  for (int i = 2; !taken.insert(unique).second; ++i) unique = fmt::format("{}-{}", name, i);
  return unique;
}

std::string cloud_name(std::string name, std::set<std::string>& taken) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) c = '-';
  }
  name.resize(std::min(name.size(), kMaxCloudName - 4));
  return make_unique(name.empty() ? "ecs" : name, taken);
}

// Of a template.
std::string why_no_name(std::string_view name) {
  if (auto why = why_unusable(name); !why.empty()) return why;
  return model::is_one_line(name) ? std::string() : marked("a name is one line without control characters");
}

std::string template_name(const YamlNode& own, const std::string& cloud, std::set<std::string>& taken) {
  auto name = text_of(own, "templateName");
  if (name.empty() || !why_no_name(name).empty()) {
    const auto labels = split(text_of(own, "label"), " \t\n,");
    name = labels.empty() || !why_no_name(labels[0]).empty() ? cloud + "-template" : labels[0];
  }
  return make_unique(name, taken);
}

// ── one cloud

// With what could not be taken of it.
struct SourceCloud {
  YamlNode node;
  std::vector<Loss> losses;
  std::vector<std::vector<Loss>> losses_of_templates;
};

SourceCloud read_cloud(YamlNode node) {
  SourceCloud cloud{std::move(node), {}, {}};
  cloud.losses = tidy(cloud.node, cloud_fields());
  for (std::size_t i = 0; i < cloud.node.keys.size(); ++i)
    if (cloud.node.keys[i].first == "templates")
      for (auto& one : cloud.node.items[i].items)
        cloud.losses_of_templates.push_back(tidy(one, template_fields()));
  return cloud;
}

class CloudImport {
 public:
  CloudImport(const SourceCloud& cloud, std::set<std::string>& clouds, std::set<std::string>& templates)
      : cloud_(cloud), source_(cloud.node), template_names_(templates) {
    out_.cloud.name = cloud_name(text_of(source_, "name"), clouds);
  }

  CloudDraft run() {
    convert_cloud();
    const auto& own = items_of(source_, "templates");
    find_parents(own);
    cut_long_lines();
    add_base();
    for (std::size_t i = 0; i < own.size(); ++i)
      names_.push_back(template_name(own[i], out_.cloud.name, template_names_));
    for (std::size_t i = 0; i < own.size(); ++i) convert(own, i);
    for (auto* entries : {&out_.cloud.entries, &out_.cloud.ecs}) settle(*entries);
    return std::move(out_);
  }
  std::string region() const {
    if (is_said(source_, "regionName")) return text_of(source_, "regionName");
    const auto arn = ecs::find_arn(text_of(source_, "cluster"));
    return arn ? arn->region : "";
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  static void add_losses(const std::vector<Loss>& losses, Block& block) {
    for (const auto& loss : losses) block.remarks.push_back(fmt::format("{}: {}", kFillIn, loss.what));
  }
  void remark(std::string text) { out_.cloud.remarks.push_back(std::move(text)); }

  void convert_cloud() {
    auto& cloud = out_.cloud;
    if (const auto name = text_of(source_, "name"); name != cloud.name)
      remark(fmt::format("'{}' in Jenkins", name));
    add_losses(cloud_.losses, cloud);
    for (const auto& [name, at] : source_.keys) {
      const auto* field = find_field(cloud_fields(), name);
      if (field == nullptr)
        remark(fmt::format("{}: not known, left out", name));
      else if (is_said(source_, name) &&
               (field->fate == Fate::dropped || name == "tunnel" || name == "credentialsId"))
        remark(fmt::format("{}{} ({}): {}", field->fate == Fate::decide ? "FILL IN: " : "", name,
                           text_of(source_, name), field->remark));
    }
    cloud.entries.push_back({.key = "type", .value = "ecs", .members = {}});
    if (const auto cap = number_of(source_, "maxAgents"); cap > 0)
      cloud.entries.push_back(
          {.key = "cap", .value = fmt::format("{}", cap), .members = {}, .sources = {"maxAgents"}});
    const auto add = [&](std::string key, const std::string& value) {
      if (!value.empty()) cloud.ecs.push_back({.key = std::move(key), .value = quote(value), .members = {}});
    };
    add("region", region());
    if (region().empty()) remark("FILL IN: no region was said: that of AWS_REGION is used");
    add("cluster", text_of(source_, "cluster"));
    if (const auto role = text_of(source_, "assumedRoleArn"); !role.empty()) {
      if (is_said(source_, "credentialsId"))
        remark("assumedRoleArn (" + role + "): left out: the plugin ignores it beside credentialsId");
      else
        cloud.ecs.push_back({.key = "credentials",
                             .value = fmt::format("{{assume_role: {{role: {}}}}}", quote(role)),
                             .members = {}});
    }
  }

  // What all templates of the cloud have in common, so that it is filled in once.
  void add_base() {
    Block base;
    base.name = make_unique(out_.cloud.name + "-base", template_names_);
    base.remarks = {"what the templates of this cloud have in common"};
    base.entries.push_back({.key = "abstract", .value = "true", .members = {}});
    if (is_true(source_, "retainAgents")) {
      const auto idle = number_of(source_, "retentionTimeout");
      base.entries.push_back(
          {.key = "retention", .value = fmt::format("{{idle: {}m}}", idle > 0 ? idle : 5), .members = {}});
    } else if (is_said(source_, "retentionTimeout")) {
      remark(fmt::format("retentionTimeout ({}): left out: {}", text_of(source_, "retentionTimeout"),
                         find_field(cloud_fields(), "retentionTimeout")->remark));
    }
    base.ecs.push_back({.key = "agent",
                        .value = "",
                        .members = {{"carrier_image", "footman-agent"}},
                        .fill_in = "the image with the agent, see docs/clouds/ecs.md"});
    base_ = {base.entries, base.ecs};
    out_.templates.push_back(std::move(base));
  }

  // By the label that inheritFrom names; what leads to a circle or too far is cut.
  void find_parents(const std::vector<YamlNode>& own) {
    parents_.assign(own.size(), kNone);
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto wanted = text_of(own[i], "inheritFrom");
      if (wanted.empty()) continue;
      for (std::size_t j = 0; j < own.size() && parents_[i] == kNone; ++j) {
        const auto labels = split(text_of(own[j], "label"), " \t\n,");
        if (j != i && std::ranges::find(labels, wanted) != labels.end() && !leads_to(j, i)) parents_[i] = j;
      }
    }
  }
  void cut_long_lines() {
    for (std::size_t i = 0; i < parents_.size(); ++i) {
      std::size_t ancestors = 1;  // the base
      for (auto next = parents_[i]; next != kNone && ancestors <= config::kMaxAncestors;
           next = parents_[next])
        ++ancestors;
      if (ancestors > config::kMaxAncestors) parents_[i] = kNone;
    }
  }
  bool leads_to(std::size_t from, std::size_t to) const {
    for (std::size_t steps = 0; from != kNone && steps <= parents_.size(); ++steps) {
      if (from == to) return true;
      from = parents_[from];
    }
    return false;
  }

  YamlNode with_inherited(const std::vector<YamlNode>& own, std::size_t i) const {
    if (parents_[i] == kNone) return own[i];
    return inherit(with_inherited(own, parents_[i]), own[i]);
  }

  // With what the base gives, as a template that extends it has it.
  ConvertedTemplate full(const YamlNode& all) const {
    auto converted = convert_template(all);
    const auto under = [](std::vector<Entry>& to, const std::vector<Entry>& base) {
      for (const auto& entry : base) {
        if (entry.key == "abstract") continue;
        const auto same = std::ranges::find(to, entry.key, &Entry::key);
        if (same == to.end()) {
          to.push_back(entry);
          continue;
        }
        for (const auto& member : entry.members)
          if (std::ranges::find(same->members, member.name, &EntryMember::name) == same->members.end())
            same->members.push_back(member);
      }
    };
    under(converted.entries, base_.entries);
    under(converted.ecs, base_.ecs);
    return converted;
  }

  void convert(const std::vector<YamlNode>& own, std::size_t i) {
    const bool has_parent = parents_[i] != kNone;
    Block block;
    block.name = names_[i];
    block.remarks = remarks_on(own[i]);
    add_losses(cloud_.losses_of_templates[i], block);
    const auto said = text_of(own[i], "templateName");
    if (const auto why = why_no_name(said); !why.empty())
      block.remarks.push_back(fmt::format("{}; templateName ({}) was left out", why, said));
    if (const auto wanted = text_of(own[i], "inheritFrom"); !wanted.empty() && !has_parent)
      block.remarks.push_back(
          fmt::format("inheritFrom ({}): left out: no other template of this cloud has this label, or "
                      "it would be a circle or too long a line",
                      wanted));
    const auto converted = full(with_inherited(own, i));
    const auto parent = has_parent ? full(with_inherited(own, parents_[i])) : base_;
    block.entries = difference(converted.entries, without_abstract(parent.entries));
    block.entries.insert(block.entries.begin(),
                         {.key = "extends",
                          .value = quote(has_parent ? names_[parents_[i]] : out_.templates.front().name),
                          .members = {}});
    block.ecs = difference(converted.ecs, parent.ecs);
    settle(block.entries);
    settle(block.ecs);
    out_.templates.push_back(std::move(block));
  }
  static std::vector<Entry> without_abstract(std::vector<Entry> entries) {
    std::erase_if(entries, [](const Entry& entry) { return entry.key == "abstract"; });
    return entries;
  }

  // What cannot be written as it is becomes a comment, or what is to be filled in.
  void settle(std::vector<Entry>& entries) const {
    std::vector<Entry> out;
    for (auto& entry : entries) {
      if (entry.value.empty() && entry.members.empty()) entry.value = placeholder(entry.key);
      std::vector<Entry> rest;
      for (std::size_t i = 0; i < entry.members.size();) {
        const auto why = why_unusable(entry.members[i].value);
        if (why.empty())
          ++i;
        else if (entry.members.size() > 1)
          rest.push_back(take_out(entry, i, why));
        else
          break;
      }
      if (entry.refused.empty())
        refuse(entry, why_unusable(entry.members.size() == 1 ? entry.members[0].value : entry.value));
      out.push_back(std::move(entry));
      std::ranges::move(rest, std::back_inserter(out));
    }
    entries = std::move(out);
  }

 public:
  void refuse(Entry& entry, const std::string& why) const {
    if (why.empty()) return;
    const auto value = placeholder(entry.key);
    if (value.empty() || !entry.fill_in.empty()) {
      entry.refused = marked(why);
      return;
    }
    entry.fill_in =
        fmt::format("{} in Jenkins: {}", show_value(entry), marked(why).substr(kFillIn.size() + 2));
    entry.value = value;
    entry.members.clear();
  }

 private:
  std::string placeholder(std::string_view key) const {
    return placeholder_for(key, std::string(ecs::find_partition(region())));
  }

  const SourceCloud& cloud_;
  const YamlNode& source_;
  std::set<std::string>& template_names_;
  CloudDraft out_;
  ConvertedTemplate base_;
  std::vector<std::size_t> parents_;
  std::vector<std::string> names_;
};

// ── the whole

// Lets the configuration's own checks have the last word on each line.
class Settlement {
 public:
  Settlement(Draft& draft, const std::vector<CloudImport>& imports) : draft_(draft), imports_(imports) {}

  Imported run() {
    Imported out;
    for (int round = 0; round < kMaxRounds; ++round) {
      out.yaml = render(draft_);
      const auto parsed = config::parse_config(out.yaml, "footman.yaml", kSources, "x86_64");
      out.problems = parsed ? std::vector<Diagnostic>() : parsed.error();
      bool again = false;
      for (const auto& problem : out.problems) again = mend(problem) || again;
      if (!again) break;
    }
    return out;
  }

 private:
  static inline const config::Sources kSources{
      [](const std::string&) { return std::optional<std::string>(); },
      [](const std::string& path) -> base::Result<std::string> {
        return base::fail(base::Errc::not_found, path + " is not read here");
      }};

  bool mend(const Diagnostic& problem) {
    if (!problem.at) return false;
    for (std::size_t i = 0; i < draft_.clouds.size(); ++i) {
      auto& cloud = draft_.clouds[i];
      if (mend(problem, cloud.cloud, imports_[i])) return true;
      for (auto& one : cloud.templates)
        if (mend(problem, one, imports_[i])) return true;
    }
    return false;
  }

  // One of several members alone goes: the others stay.
  static bool take_member(const Diagnostic& problem, std::vector<Entry>& entries, std::size_t at) {
    auto& entry = entries[at];
    const auto here = [&](const EntryMember& one) {
      return problem.at->column >= one.begin && problem.at->column < one.end;
    };
    const auto found = std::ranges::find_if(entry.members, here);
    if (entry.members.size() < 2 || found == entry.members.end() || !entry.fill_in.empty()) return false;
    const bool clears = found->value == kCleared;
    auto rest = take_out(entry, static_cast<std::size_t>(found - entry.members.begin()),
                         marked(without_key(problem.message)));
    if (clears) return true;
    auto place = entries.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    while (place != entries.end() && place->key == rest.key) ++place;
    entries.insert(place, std::move(rest));
    return true;
  }

  // Of a section that lacks a key, the place is that of its first key.
  static bool mend(const Diagnostic& problem, Block& block, const CloudImport& import) {
    const int line = problem.at->line;
    const auto key = problem.key.substr(0, problem.key.find_first_of(".["));
    bool here = line == block.line || line == block.ecs_line;
    for (auto* entries : {&block.entries, &block.ecs})
      for (std::size_t i = 0; i < entries->size(); ++i) {
        auto& entry = (*entries)[i];
        if (entry.line != line || !entry.refused.empty()) continue;
        here = true;
        if ((!key.empty() && key != entry.key) || is_fixed(block, entry)) continue;
        if (!take_member(problem, *entries, i)) import.refuse(entry, without_key(problem.message));
        return true;
      }
    return here && add_missing(key, without_key(problem.message), block, import);
  }

  // What is wrong with a template must not take away what its cloud or others stand on.
  static bool is_fixed(const Block& block, const Entry& entry) {
    const bool of_base =
        std::ranges::any_of(block.entries, [](const Entry& one) { return one.key == "abstract"; });
    return entry.key == "type" || entry.key == "extends" || (of_base && entry.key == "agent");
  }

  static bool add_missing(const std::string& key, const std::string& why, Block& block,
                          const CloudImport& import) {
    // What was filled in already, and refused, is not filled in again: that would go on for ever.
    const auto present = [&](const Entry& entry) {
      return entry.key == key && (entry.refused.empty() || !entry.fill_in.empty());
    };
    if (std::ranges::any_of(block.ecs, present)) return false;
    Entry missing{.key = key, .value = "nothing", .members = {}};
    import.refuse(missing, why);
    if (missing.fill_in.empty()) return false;
    block.ecs.push_back(std::move(missing));
    return true;
  }

  Draft& draft_;
  const std::vector<CloudImport>& imports_;
};

struct Found {
  std::vector<SourceCloud> clouds;
  std::size_t others = 0;  // of other plugins
};

const YamlNode* find_alias(const YamlNode& node) {
  if (node.kind == Kind::alias) return &node;
  for (const auto& item : node.items)
    if (const auto* found = find_alias(item)) return found;
  return nullptr;
}

// The clouds of the file: one alone may stand without a list.
std::expected<std::vector<YamlNode>, Diagnostic> list_clouds(const YamlNode& root, const std::string& file) {
  const auto* jenkins = root.find("jenkins");
  const auto* within = jenkins != nullptr ? jenkins : &root;
  const auto* clouds = within->find("clouds");
  // They may stand where it leads to.
  const auto* alias = clouds != nullptr ? clouds : within->kind == Kind::alias ? within : within->find("<<");
  if (alias != nullptr && alias->kind == Kind::alias)
    return std::unexpected(Diagnostic{file, alias->at, std::string(config::kNoAliases)});
  if (clouds != nullptr && clouds->kind == Kind::map) return std::vector{*clouds};
  if (clouds != nullptr && clouds->kind == Kind::list) return clouds->items;
  return std::unexpected(
      Diagnostic{file, {}, "there are no clouds: a list 'jenkins: {clouds: [...]}' was expected"});
}

// Nothing: it is another plugin's. An item has one key, its type; those of footman.yaml have several.
std::expected<const YamlNode*, Diagnostic> find_cloud(const YamlNode& item, const std::string& file) {
  const auto* cloud = item.find("ecs");
  if (item.kind != Kind::alias && (cloud == nullptr || item.find("type") != nullptr)) return nullptr;
  if (const auto* alias = find_alias(item))
    return std::unexpected(Diagnostic{file, alias->at, std::string(config::kNoAliases)});
  if (item.keys.size() > 1 || cloud->kind != Kind::map)
    return std::unexpected(
        Diagnostic{file, cloud->at, "a map was expected in 'ecs', with all of the cloud indented below it"});
  return cloud;
}

std::expected<Found, Diagnostic> find_clouds(const YamlNode& root, const std::string& file) {
  const auto items = list_clouds(root, file);
  if (!items) return std::unexpected(items.error());
  Found found;
  std::size_t templates = 0;
  for (const auto& item : *items) {
    const auto cloud = find_cloud(item, file);
    if (!cloud) return std::unexpected(cloud.error());
    if (*cloud == nullptr) {
      ++found.others;
      continue;
    }
    found.clouds.push_back(read_cloud(**cloud));
    templates += found.clouds.back().losses_of_templates.size();
  }
  const auto* jenkins = root.find("jenkins");
  const auto at = (jenkins != nullptr ? *jenkins : root).place_of("clouds");
  if (found.clouds.empty())
    return std::unexpected(
        Diagnostic{file, at, "none of the clouds is of amazon-ecs-plugin: an item 'ecs:' was expected"});
  if (found.clouds.size() > kMaxClouds)
    return std::unexpected(Diagnostic{file, at, fmt::format("more than {} clouds", kMaxClouds)});
  if (templates > kMaxTemplates)
    return std::unexpected(Diagnostic{file, at, fmt::format("more than {} templates", kMaxTemplates)});
  return found;
}

// The fields that mean something else, each once.
std::vector<std::string> changed_fields(const Found& found) {
  std::map<std::string_view, std::string_view> cloud;
  std::map<std::string_view, std::string_view> of_template;
  const auto note = [](const YamlNode& map, std::span<const Field> fields, auto& out) {
    for (const auto& field : fields)
      if (is_said(map, field.name) && (field.fate == Fate::changed || field.fate == Fate::decide))
        out[field.name] = field.remark;
  };
  for (const auto& one : found.clouds) {
    note(one.node, cloud_fields(), cloud);
    for (const auto& t : items_of(one.node, "templates")) note(t, template_fields(), of_template);
  }
  std::vector<std::string> lines;
  for (const auto* all : {&cloud, &of_template})
    for (const auto& [name, remark] : *all)
      if (!remark.empty()) lines.push_back(fmt::format("  {}: {}", name, remark));
  return lines;
}

Block server_part(const Found& found, const std::string& file) {
  Block server;
  server.remarks = {fmt::format("Made from {} by footman import jcasc.", file),
                    "What must be filled in or decided is marked with these words in capitals: fill in.",
                    "What is a comment but looks like a key was refused, or would not work; it says why."};
  if (found.others > 0)
    server.remarks.push_back(fmt::format("{} clouds of other plugins were left out.", found.others));
  if (auto lines = changed_fields(found); !lines.empty()) {
    server.remarks.emplace_back("Means something else than in Jenkins:");
    server.remarks.insert(server.remarks.end(), lines.begin(), lines.end());
  }
  std::string jenkins;
  std::int64_t longest = 0;
  for (const auto& cloud : found.clouds) {
    if (jenkins.empty()) jenkins = text_of(cloud.node, "jenkinsUrl");
    longest = std::max(longest, number_of(cloud.node, "slaveTimeoutInSeconds"));
  }
  server.entries.push_back({.key = "agent_url",
                            .value = "wss://footman.example.com",
                            .members = {},
                            .fill_in = "where agents reach this server" +
                                       (jenkins.empty() ? "" : fmt::format("; Jenkins is at {}", jenkins))});
  if (longest > 0 && longest <= 24 * 3600)
    server.entries.push_back(
        {.key = "launch", .value = fmt::format("{{deadline: {}s}}", longest), .members = {}});
  return server;
}

std::vector<Diagnostic> list_losses(const Found& found, const std::string& file) {
  std::vector<Diagnostic> out;
  const auto add = [&](const std::vector<Loss>& losses) {
    for (const auto& one : losses) out.push_back({file, one.at, one.what});
  };
  for (const auto& cloud : found.clouds) {
    add(cloud.losses);
    for (const auto& losses : cloud.losses_of_templates) add(losses);
  }
  return out;
}

std::size_t count_fill_ins(std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find(kFillIn); at != text.npos; at = text.find(kFillIn, at + kFillIn.size())) ++count;
  return count;
}

}  // namespace

std::expected<Imported, Diagnostic> import_jcasc(std::string_view text, const std::string& file) {
  const auto root = config::parse_yaml(text, file, config::Aliases::kept);
  if (!root) return std::unexpected(root.error());
  const auto found = find_clouds(*root, file);
  if (!found) return std::unexpected(found.error());
  Draft draft;
  draft.server = server_part(*found, file);
  std::set<std::string> cloud_names;
  std::set<std::string> template_names;
  std::vector<CloudImport> imports;
  imports.reserve(found->clouds.size());
  for (const auto& cloud : found->clouds)
    draft.clouds.push_back(imports.emplace_back(cloud, cloud_names, template_names).run());
  auto out = Settlement(draft, imports).run();
  out.clouds = draft.clouds.size();
  for (const auto& cloud : draft.clouds) out.templates += cloud.templates.size() - 1;
  out.to_fill_in = count_fill_ins(out.yaml);
  out.left_out = list_losses(*found, file);
  return out;
}

}  // namespace footman::jcasc
