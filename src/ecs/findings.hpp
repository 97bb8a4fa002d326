// Findings as they are collected: for the files of the examination only.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "ecs/examine.hpp"
#include "model/findings.hpp"

namespace footman::ecs {

class Findings : public model::Findings {
 public:
  using model::Findings::Findings;

  // `what`: "the subnets".
  void unknown(const std::string& what, const NotKnown& why) {
    unchecked(fmt::format("{}: {}", what, why.why),
              why.denied ? "`footman iam-policy --doctor` prints what the examination needs" : "",
              why.denied ? why.permission : "");
  }
};

std::vector<model::Finding> examine_subnets(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_ways_out(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_acls(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_groups(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_ingress(const Examined& examined, const Survey& survey);
std::vector<model::Finding> examine_reach(const Examined& examined, const Survey& survey);

}  // namespace footman::ecs
