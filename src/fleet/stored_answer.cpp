#include "fleet/stored_answer.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace footman::fleet {

namespace json = boost::json;

std::string answer_key(const TemplateName& name) { return "fleet.pool." + name.str() + ".answer"; }

std::string encode_answer(const PoolAnswer& answer) {
  json::object object{{"min_idle", answer.min_idle},
                      {"met", answer.met},
                      {"text", answer.text},
                      {"at_us", answer.at.us},
                      {"builds", answer.builds}};
  if (answer.wait) object["wait_us"] = answer.wait->count();
  if (answer.cost_a_day) object["cost_a_day_micros"] = answer.cost_a_day->micros;
  return json::serialize(object);
}

std::optional<PoolAnswer> restore_answer(const std::string& encoded) {
  try {
    if (encoded.empty()) return std::nullopt;
    const auto value = json::parse(encoded);
    const auto& object = value.as_object();
    PoolAnswer answer;
    answer.min_idle = object.at("min_idle").to_number<std::uint32_t>();
    answer.met = object.at("met").as_bool();
    answer.text = json::value_to<std::string>(object.at("text"));
    answer.at = Instant{object.at("at_us").to_number<std::int64_t>()};
    answer.builds = object.at("builds").to_number<std::uint64_t>();
    if (const auto* wait = object.if_contains("wait_us"))
      answer.wait = Duration(wait->to_number<std::int64_t>());
    if (const auto* cost = object.if_contains("cost_a_day_micros"))
      answer.cost_a_day = model::Money{cost->to_number<std::int64_t>()};
    return answer;
  } catch (const std::exception&) {
    return std::nullopt;  // not ours: as if nothing had been stored
  }
}

}  // namespace footman::fleet
