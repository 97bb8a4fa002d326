#include "model/price_list.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace footman::model;

namespace {

constexpr std::uint64_t kGiB = 1ULL << 30;

std::string error_of(std::string_view name, const AgentSize& size) {
  const auto price = find_list_price(name, size);
  return price ? "ok" : price.error().message;
}

}  // namespace

TEST_CASE("the program's price lists have a date, a source and names that are there once") {
  REQUIRE(price_lists().size() >= 2);
  std::set<std::string> names;
  for (const auto& list : price_lists()) {
    CHECK(parse_rfc3339(list.date + "T00:00:00Z").has_value());
    CHECK(list.source.starts_with("https://"));
    CHECK_FALSE(list.title.empty());
    for (const auto& price : list.prices) {
      CAPTURE(price.name);
      CHECK(names.insert(price.name).second);
      CHECK(price.name.starts_with(list.name + "/"));
      CHECK(find_list_price(price.name, {2000, 4 * kGiB})->per_hour > Money());
    }
  }
}

TEST_CASE("a list price is multiplied with the size") {
  const auto fargate = find_list_price("aws-fargate/us-east-1/x86_64", {1000, 2 * kGiB});
  REQUIRE(fargate.has_value());
  CHECK(fargate->per_hour == Money{40'480 + 2 * 4'445});
  CHECK(fargate->billing ==
        BillingRule{BilledFrom::answered, BilledUntil::gone, std::chrono::seconds(1), 1min});
  CHECK(find_list_price("aws-fargate/us-east-1/arm64", {250, kGiB / 2})->per_hour == Money{8'095 + 1'780});
  CHECK(find_list_price("aws-fargate/us-east-1/windows", {1000, kGiB})->billing.minimum == 5min);
  const auto ec2 = find_list_price("aws-ec2/us-east-1/m7g.large", {});
  CHECK(ec2->per_hour == Money{81'600});
  CHECK(ec2->billing.until == BilledUntil::stop_asked);
}

TEST_CASE("what cannot be priced says what to do") {
  CHECK(error_of("aws-ec2/us-east-1/m7g.larg", {}) ==
        "there is no list price 'aws-ec2/us-east-1/m7g.larg'; did you mean 'aws-ec2/us-east-1/m7g.large'?");
  CHECK(error_of("aws-fargate/us-east-1/x86_64", {0, kGiB}).find("per vCPU") != std::string::npos);
  CHECK(error_of("aws-fargate/us-east-1/x86_64", {1000, 0}).find("per GiB") != std::string::npos);
  CHECK(error_of("aws-fargate/us-east-1/x86_64", {kMaxMilliCpus, kGiB}).find("more than $10000.00/h") !=
        std::string::npos);
  CHECK(error_of("aws-fargate/us-east-1/x86_64", {1, ~0ULL}).find("more than") != std::string::npos);
}

TEST_CASE("price lists with errors are refused") {
  const auto parse = [](const std::string& prices, const std::string& billing = R"({"step":"1s"})",
                        const std::string& currency = "USD") {
    const auto list = parse_price_list(R"({"list":"a","date":"d","source":"s","currency":")" + currency +
                                       R"(","billing":)" + billing + R"(,"prices":)" + prices + "}");
    return list ? std::string("ok") : list.error().message;
  };
  CHECK(parse(R"([{"name":"x","per_hour":"1"}])") == "ok");
  CHECK(parse(R"([{"name":"x"}])") == "the price 'a/x' has no amount");
  CHECK(parse(R"([{"per_hour":"1"}])") == "a price has no 'name'");
  CHECK(parse(R"([{"name":"x","per_hour":"1 USD"}])").starts_with("'per_hour'"));
  CHECK(parse("[]", R"({"step":"0s"})") == "'step': more than 0s was expected");
  CHECK(parse("[]", R"({"from":"noon"})") == "'from': there is no event 'noon'");
  CHECK(parse("[]", R"({"until":"noon"})") == "'until': there is no event 'noon'");
  CHECK(parse("[]", "{}", "EUR") == "'currency': USD was expected");
  CHECK(parse("[1]") == "'prices': objects were expected");
  CHECK_FALSE(parse_price_list("[]").has_value());
  CHECK_FALSE(parse_price_list("{").has_value());
  CHECK_FALSE(parse_price_list("{}").has_value());
}
