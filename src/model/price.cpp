#include "model/price.hpp"

#include "model/words.hpp"

namespace footman::model {
namespace {

constexpr Word<BilledFrom> kFrom[] = {
    {BilledFrom::asked, "asked"}, {BilledFrom::answered, "answered"}, {BilledFrom::connected, "connected"}};
constexpr Word<BilledUntil> kUntil[] = {{BilledUntil::stop_asked, "stop_asked"}, {BilledUntil::gone, "gone"}};

}  // namespace

std::string_view to_string(BilledFrom from) { return get_word(kFrom, from); }
std::optional<BilledFrom> find_billed_from(std::string_view text) { return find_value(kFrom, text); }
std::string_view to_string(BilledUntil until) { return get_word(kUntil, until); }
std::optional<BilledUntil> find_billed_until(std::string_view text) { return find_value(kUntil, text); }

}  // namespace footman::model
