// Public list prices. The files of data/prices are part of the program; each says of which day its prices are
// and where they were read. They are in US dollars, as all money here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/price.hpp"
#include "model/size.hpp"

namespace footman::model {

struct ListPrice {
  std::string name;  // "aws-fargate/us-east-1/arm64": begins with the name of the list
  Money per_hour;    // of the agent as it is; and then of what its size says:
  Money per_vcpu_hour;
  Money per_gib_hour;
  BillingRule billing;
};

struct PriceList {
  std::string name;
  std::string title;
  std::string date;    // 2026-05-01
  std::string source;  // URL
  std::vector<ListPrice> prices;
};

// corrupt: says what is wrong with which price.
Result<PriceList> parse_price_list(std::string_view json);
// Those of the program, by name.
std::span<const PriceList> price_lists();

// What an agent of this size costs by the list. not_found: names the nearest; invalid_argument: the price
// needs the size, or comes to more than kMaxHourlyPrice.
Result<Price> find_list_price(std::string_view name, const AgentSize& size);

}  // namespace footman::model
