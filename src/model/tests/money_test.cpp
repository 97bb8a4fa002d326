#include "model/money.hpp"

#include <doctest/doctest.h>

#include "model/size.hpp"

using namespace footman::model;

TEST_CASE("amounts of money are read and written") {
  struct Case {
    const char* text;
    std::int64_t micros;
    const char* shown;
  };
  for (const auto& one : {Case{"$0.05", 50'000, "$0.05"}, Case{"2", 2'000'000, "$2.00"},
                          Case{"$0.004445", 4'445, "$0.004445"}, Case{"12.5", 12'500'000, "$12.50"},
                          Case{"0", 0, "$0.00"}, Case{"$1000000", 1'000'000'000'000, "$1000000.00"}}) {
    CAPTURE(one.text);
    const auto money = parse_money(one.text);
    REQUIRE(money.has_value());
    CHECK(money->micros == one.micros);
    CHECK(format_money(*money) == one.shown);
  }
  CHECK(format_money(Money{-50'000}) == "-$0.05");
  for (const auto* bad : {"", "$", "-1", "1.", ".5", "1e3", "€1", "1.0000001", "1000000.01", "1 ", "$ 1",
                          "+1", "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_money(bad).has_value());
  }
  CHECK(parse_hourly_price("$0.05/h")->micros == 50'000);
  CHECK(parse_hourly_price("10000/h") == kMaxHourlyPrice);
  for (const auto* bad : {"$0.05", "$0.05/d", "/h", "10001/h"})
    CHECK_FALSE(parse_hourly_price(bad).has_value());
}

TEST_CASE("time is charged") {
  const Money price{40'480};  // $0.04048/h
  CHECK(charge(price, 1h) == price);
  CHECK(charge(price, 10min).micros == 6'747);
  CHECK(charge(price, 1s).micros == 11);
  CHECK(charge(price, -1s).is_zero());
  CHECK(charge({}, 1h).is_zero());
  CHECK(charge(kMaxHourlyPrice, std::chrono::hours(24) * 3650) ==
        Money{kMaxHourlyPrice.micros * std::int64_t{24 * 3650}});
}

TEST_CASE("sizes are read and written") {
  CHECK(parse_cpus("2 vCPU") == 2000);
  CHECK(parse_cpus("0.25vCPU") == 250);
  CHECK(parse_cpus("4") == 4000);
  for (const auto* bad : {"", "vCPU", "two", "1.2345", "-1", "1 CPU", "1000001"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_cpus(bad).has_value());
  }
  CHECK(format_cpus(2000) == "2 vCPU");
  CHECK(format_cpus(250) == "0.25 vCPU");
  CHECK(format_size({1500, 4ULL << 30}) == "1.5 vCPU, 4.0 GiB");
  CHECK(format_size({0, 0}).empty());
}
