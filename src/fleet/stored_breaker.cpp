#include "fleet/stored_breaker.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace footman::fleet {

namespace json = boost::json;
using policy::Breaker;
using policy::BreakerState;

std::string breaker_key(const TemplateName& name) { return "fleet.breaker." + name.str(); }

std::string encode_breaker(const Breaker& breaker, std::uint64_t generation) {
  if (breaker.state == BreakerState::closed) return {};
  return json::serialize(
      json::object{{"generation", generation},
                   {"since_us", breaker.since.us},
                   {"failure", to_string(breaker.failure)},
                   {"reason", breaker.reason},
                   {"failures", json::array(breaker.failures.begin(), breaker.failures.end())}});
}

Breaker restore_breaker(const std::string& encoded, std::uint64_t generation, Instant now) {
  try {
    if (encoded.empty()) return {};
    const auto value = json::parse(encoded);
    const auto& object = value.as_object();
    const auto failure = model::find_failure_class(json::value_to<std::string>(object.at("failure")));
    if (!failure || object.at("generation").to_number<std::uint64_t>() != generation) return {};
    Breaker breaker;
    breaker.state = BreakerState::open;
    breaker.since = std::min(Instant{object.at("since_us").to_number<std::int64_t>()}, now);
    breaker.until = now;
    breaker.failure = *failure;
    breaker.reason = json::value_to<std::string>(object.at("reason"));
    const auto& failures = object.at("failures").as_array();
    for (std::size_t i = 0; i < breaker.failures.size(); ++i)
      breaker.failures.at(i) = failures.at(i).to_number<std::uint32_t>();
    return breaker;
  } catch (const std::exception&) {
    return {};  // not ours: as if nothing had been stored
  }
}

}  // namespace footman::fleet
