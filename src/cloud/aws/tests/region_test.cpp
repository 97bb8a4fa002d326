#include "cloud/aws/region.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace footman::cloud::aws;

namespace {

struct Machine {
  std::map<std::string, std::string> variables{{"HOME", "/home/ci"}};
  std::map<std::string, std::string> files;

  Result<std::string> find(const std::string& profile = {}) const {
    return find_region(
        [this](const std::string& name) -> std::optional<std::string> {
          const auto found = variables.find(name);
          return found == variables.end() ? std::nullopt : std::optional(found->second);
        },
        [this](const std::string& path) -> Result<std::string> {
          const auto found = files.find(path);
          if (found == files.end()) return fail(Errc::not_found, "no such file");
          if (found->second.empty()) return fail(Errc::permission_denied, "it may not be read");
          return found->second;
        },
        profile);
  }
};

const std::string kFile =
    "[default]\nregion = eu-west-1\n[profile ci]\nregion=eu-west-2\n[profile bare]\noutput=json\n";

}  // namespace

TEST_CASE("region: the variables, in their order, before the profile") {
  Machine machine;
  machine.files["/home/ci/.aws/config"] = kFile;
  CHECK(machine.find() == "eu-west-1");
  machine.variables["AWS_DEFAULT_REGION"] = "us-east-2";
  CHECK(machine.find("ci") == "us-east-2");
  machine.variables["AWS_REGION"] = "us-east-1";
  CHECK(machine.find("ci") == "us-east-1");
  machine.variables["AWS_REGION"] = "";
  CHECK(machine.find("ci") == "us-east-2");
}

TEST_CASE("region: of the profile that is said, of AWS_PROFILE, of another file") {
  Machine machine;
  machine.files["/home/ci/.aws/config"] = kFile;
  machine.files["/etc/aws"] = "[default]\nregion = ap-south-1\n";
  machine.variables["AWS_PROFILE"] = "ci";
  CHECK(machine.find() == "eu-west-2");
  CHECK(machine.find("default") == "eu-west-1");
  machine.variables["AWS_CONFIG_FILE"] = "/etc/aws";
  CHECK(machine.find("default") == "ap-south-1");
}

TEST_CASE("region: nowhere, with all the places") {
  Machine machine;
  const auto words = [&](const std::string& profile = {}) {
    const auto found = machine.find(profile);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == Errc::not_found);
    return found.error().message;
  };
  const std::string variables = "AWS_REGION and AWS_DEFAULT_REGION are not set, and ";
  CHECK(words() == variables + "there is no file /home/ci/.aws/config");
  machine.files["/home/ci/.aws/config"] = kFile;
  CHECK(words("bare") == variables + "the profile 'bare' in /home/ci/.aws/config has none");
  CHECK(words("other") == variables + "/home/ci/.aws/config has no profile 'other'");
  machine.variables.clear();
  CHECK(words() == variables + "there is no config file, as HOME is not set");
}

TEST_CASE("region: what is none, and a file that cannot be read, are said and not passed over") {
  Machine machine;
  machine.files["/home/ci/.aws/config"] = "[default]\nregion = Frankfurt\n";
  auto found = machine.find();
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == Errc::invalid_argument);
  CHECK(found.error().message ==
        "the region of the profile 'default' in /home/ci/.aws/config is no AWS region: \"Frankfurt\"");
  machine.variables["AWS_REGION"] = "Frankfurt";
  CHECK(machine.find().error().message == "AWS_REGION is no AWS region: \"Frankfurt\"");
  machine.variables.erase("AWS_REGION");
  machine.files["/home/ci/.aws/config"] = "";
  CHECK(machine.find().error().code == Errc::permission_denied);
  machine.files["/home/ci/.aws/config"] = "nonsense";
  CHECK(machine.find().error().code == Errc::invalid_argument);
}
