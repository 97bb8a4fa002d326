#include "ecs/trust_policy.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/system/error_code.hpp>
#include <string>

namespace footman::ecs {
namespace {

namespace json = boost::json;

// These alone give no session.
constexpr std::string_view kHarmless[] = {"sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"};

// A text, or a list of texts.
bool read_texts(const json::value& value, Texts& out) {
  if (const auto* text = value.if_string()) {
    out.emplace_back(*text);
    return true;
  }
  const auto* list = value.if_array();
  return list != nullptr &&
         std::ranges::all_of(*list, [&](const auto& one) { return one.is_string() && read_texts(one, out); });
}

bool gives_sessions(const json::object& statement) {
  Texts actions;
  const auto* action = statement.if_contains("Action");
  if (action == nullptr || !read_texts(*action, actions)) return true;  // NotAction, or nothing known
  return !std::ranges::all_of(actions, [](const auto& one) {
    return std::ranges::find(kHarmless, std::string_view(one)) != std::end(kHarmless);
  });
}

bool judge_principal(const json::object& statement, Trust& trust) {
  const auto* principal = statement.if_contains("Principal");
  if (principal == nullptr) {
    trust.others.emplace_back("all but some (NotPrincipal)");
    return statement.contains("NotPrincipal");
  }
  if (principal->is_string()) return read_texts(*principal, trust.others);  // "*"
  const auto* kinds = principal->if_object();
  if (kinds == nullptr) return false;
  for (const auto& [kind, value] : *kinds) {
    Texts names;
    if (!read_texts(value, names)) return false;
    for (auto& name : names) {
      if (kind == "Service" && name == kTaskService)
        trust.tasks = true;
      else
        trust.others.push_back(std::move(name));
    }
  }
  return true;
}

bool judge_statement(const json::value& value, Trust& trust) {
  const auto* statement = value.if_object();
  const auto* effect = statement == nullptr ? nullptr : statement->if_contains("Effect");
  if (effect == nullptr || !effect->is_string()) return false;
  if (effect->get_string() != "Allow" || !gives_sessions(*statement)) return true;
  return judge_principal(*statement, trust);
}

}  // namespace

Trust judge_trust(std::string_view policy) {
  Trust trust;
  boost::system::error_code error;
  const auto document = json::parse(policy, error);
  const auto* object = error ? nullptr : document.if_object();
  const auto* statements = object == nullptr ? nullptr : object->if_contains("Statement");
  if (statements == nullptr)
    trust.readable = false;
  else if (const auto* list = statements->if_array())
    trust.readable = std::ranges::all_of(*list, [&](const auto& one) { return judge_statement(one, trust); });
  else
    trust.readable = judge_statement(*statements, trust);
  std::ranges::sort(trust.others);
  trust.others.erase(std::ranges::unique(trust.others).begin(), trust.others.end());
  return trust;
}

}  // namespace footman::ecs
