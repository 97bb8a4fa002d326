// The shared files, what a profile says, and the answers of metadata services.
#include "cloud/aws/profiles.hpp"

#include <doctest/doctest.h>

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::aws;

namespace {

Profiles read(const std::string& text, SharedFile kind = SharedFile::config) {
  auto profiles = parse_shared_file(text, kind, "/x/config");
  REQUIRE_MESSAGE(profiles, describe(profiles.error()));
  return *profiles;
}

std::string get(const Profiles& profiles, const std::string& profile, const std::string& name) {
  const auto at = profiles.find(profile);
  if (at == profiles.end()) return "no such profile";
  const auto value = at->second.find(name);
  return value == at->second.end() ? "not set" : std::string(value->second.expose());
}

Result<ProfilePlan> plan(const std::string& text, const std::string& name) {
  return plan_profile(read(text), name);
}

void check_error(const Result<ProfilePlan>& planned, Errc code, const std::string& part) {
  REQUIRE_FALSE(planned);
  CHECK(to_string(planned.error().code) == to_string(code));
  CAPTURE(describe(planned.error()));
  CHECK(describe(planned.error()).find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("sections and values of the config file") {
  const auto profiles = read(
      "\xef\xbb\xbf# a comment\r\n"
      "[default]\r\n"
      "region = eu-west-1\r\n"
      "  \r\n"
      "[profile ci] ; for builds\n"
      "Region=us-east-1 # near\n"
      "aws_secret_access_key = a=b#c;d\n"
      "empty =\n"
      "s3 =\n"
      "  max_concurrent_requests = 7\n"
      "long = one\n"
      "\ttwo\n"
      "[ profile\t 'two words' ]\n"
      "a = 1\n"
      "[sso-session x]\n"
      "sso_region = nowhere\n"
      "nested =\n"
      "  deep = 1\n"
      "[ci]\n"
      "region = wrong\n"
      "[profile ci]\n"
      "a = 2\n");
  CHECK(profiles.size() == 3);
  CHECK(get(profiles, "default", "region") == "eu-west-1");
  CHECK(get(profiles, "ci", "region") == "us-east-1");
  CHECK(get(profiles, "ci", "aws_secret_access_key") == "a=b#c;d");
  CHECK(get(profiles, "ci", "empty").empty());
  CHECK(get(profiles, "ci", "s3").empty());
  CHECK(get(profiles, "ci", "max_concurrent_requests") == "not set");
  CHECK(get(profiles, "ci", "long") == "one\ntwo");
  CHECK(get(profiles, "ci", "a") == "2");
  CHECK(get(profiles, "two words", "a") == "1");
}

TEST_CASE("[profile default] counts before [default], wherever it stands") {
  const std::string plain = "[default]\na = plain\nb = plain\n";
  const std::string prefixed = "[profile default]\na = prefixed\n";
  for (const auto& [before, behind] :
       {std::pair(plain, std::string()), {std::string(), plain}, {plain, plain}}) {
    std::string text = before;
    text += prefixed;
    text += behind;
    const auto profiles = read(text);
    CHECK(get(profiles, "default", "a") == "prefixed");
    CHECK(get(profiles, "default", "b") == "not set");
  }
}

TEST_CASE("the credentials file has other names and counts first") {
  const auto credentials = read("[ci]\na = 1\n[profile ci]\na = 2\n", SharedFile::credentials);
  CHECK(get(credentials, "ci", "a") == "1");
  CHECK(get(credentials, "profile ci", "a") == "2");
  const auto merged = merge_profiles(read("[profile ci]\na = 0\nb = 0\n"), credentials);
  CHECK(get(merged, "ci", "a") == "1");
  CHECK(get(merged, "ci", "b") == "0");
}

TEST_CASE("errors of the files say where, and not what stands there") {
  struct Row {
    const char* text;
    const char* where;
  };
  for (const auto& row :
       {Row{"a = hidden\n", "/x/config:1"}, Row{"[default]\n\nhidden\n", "/x/config:3"},
        Row{"[default\n", "/x/config:1"}, Row{"[default] hidden\n", "/x/config:1"},
        Row{"[default]\n  hidden = 1\n", "/x/config:2"}, Row{"[default]\n= hidden\n", "/x/config:2"}}) {
    CAPTURE(row.text);
    const auto profiles = parse_shared_file(row.text, SharedFile::config, "/x/config");
    REQUIRE_FALSE(profiles);
    CHECK(profiles.error().field == row.where);
    CHECK(describe(profiles.error()).find("hidden") == std::string::npos);
  }
  CHECK_FALSE(parse_shared_file(std::string(kMaxSharedFileBytes + 1, '#'), SharedFile::config, "x"));
}

TEST_CASE("keys of a profile") {
  const auto keys =
      plan("[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s\naws_session_token = t\n",
           "default");
  REQUIRE(keys);
  CHECK(keys->start == ProfileStart::keys);
  CHECK(keys->keys.access_key_id == "AKIDEXAMPLE");
  CHECK(keys->keys.secret_access_key.expose() == "s");
  CHECK(keys->keys.session_token.expose() == "t");
  CHECK(keys->keys.source == "the AWS profile 'default'");
  CHECK(keys->roles.empty());
  CHECK(plan("[default]\nregion = eu-west-1\n", "default")->start == ProfileStart::nothing);
  check_error(plan("[default]\naws_access_key_id = AKIDEXAMPLE\n", "default"), Errc::invalid_argument,
              "the AWS profile 'default' has no secret access key");
  check_error(plan("[default]\n", "other"), Errc::not_found, "there is no AWS profile 'other'");
}

TEST_CASE("roles, one with the credentials of the next") {
  const auto chain = plan(
      "[profile a]\nrole_arn = arn:a\nsource_profile = b\nexternal_id = e\nrole_session_name = "
      "ci\nduration_seconds = 3600\n"
      "[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
      "[profile c]\naws_access_key_id = K\naws_secret_access_key = s\n",
      "a");
  REQUIRE(chain);
  CHECK(chain->start == ProfileStart::keys);
  REQUIRE(chain->roles.size() == 2);
  CHECK(chain->roles[0].role_arn == "arn:b");
  CHECK(chain->roles[1].role_arn == "arn:a");
  CHECK(chain->roles[1].external_id == "e");
  CHECK(chain->roles[1].session_name == "ci");
  CHECK(chain->roles[1].lasts == 1h);

  const auto own = plan(
      "[profile a]\nrole_arn = arn:a\nsource_profile = a\naws_access_key_id = K\naws_secret_access_key = s\n",
      "a");
  REQUIRE(own);
  CHECK(own->keys.access_key_id == "K");
  CHECK(own->roles.size() == 1);

  CHECK(plan("[profile a]\nrole_arn = r\ncredential_source = Environment\n", "a")->start ==
        ProfileStart::environment);
  CHECK(plan("[profile a]\nrole_arn = r\ncredential_source = EcsContainer\n", "a")->start ==
        ProfileStart::container);
  CHECK(plan("[profile a]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n", "a")->start ==
        ProfileStart::instance);

  const auto web = plan(
      "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = w\nweb_identity_token_file = "
      "/t\n",
      "a");
  REQUIRE(web);
  CHECK(web->start == ProfileStart::web_identity);
  CHECK(web->web_identity.role_arn == "w");
  CHECK(web->web_identity.token_file == "/t");
  CHECK(web->roles.size() == 1);
}

TEST_CASE("profiles that cannot be followed say why") {
  check_error(plan("[profile a]\nrole_arn = r\n", "a"), Errc::invalid_argument,
              "needs source_profile or credential_source");
  check_error(plan("[profile a]\nrole_arn = r\nsource_profile = b\ncredential_source = Environment\n", "a"),
              Errc::invalid_argument, "one of them");
  check_error(plan("[profile a]\nrole_arn = r\nsource_profile = b\n", "a"), Errc::invalid_argument,
              "does not exist");
  check_error(plan("[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nregion = x\n", "a"),
              Errc::invalid_argument, "has no credentials");
  check_error(
      plan("[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n",
           "a"),
      Errc::invalid_argument, "circle");
  check_error(plan("[profile a]\nrole_arn = r\ncredential_source = Magic\n", "a"), Errc::invalid_argument,
              "credential_source");
  for (const auto* seconds : {"0", "899", "43201", "x", "-1"})
    check_error(plan("[profile a]\nrole_arn = r\ncredential_source = Environment\nduration_seconds = " +
                         std::string(seconds),
                     "a"),
                Errc::invalid_argument, "duration_seconds");
  check_error(
      plan("[profile a]\nrole_arn = r\ncredential_source = Environment\nrole_session_name = a b\n", "a"),
      Errc::invalid_argument, "role_session_name");
}

TEST_CASE("what needs a person or a program is refused in words") {
  check_error(plan("[profile a]\nsso_session = s\n", "a"), Errc::unsupported, "Give the server a role");
  check_error(plan("[profile a]\nrole_arn = r\nsource_profile = b\nmfa_serial = m\n", "a"), Errc::unsupported,
              "MFA");
  check_error(plan("[profile a]\ncredential_process = /bin/x\n", "a"), Errc::unsupported,
              "write the credentials file");
  CHECK(plan("[profile a]\ncredential_process = /bin/x\naws_access_key_id = K\naws_secret_access_key = s\n",
             "a"));
}

TEST_CASE("answers of metadata services") {
  const auto good = parse_credentials_answer(
      R"({"Code":"Success","AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"s","Token":"t","Expiration":"2024-05-01T10:00:00Z"})",
      "it");
  REQUIRE(good);
  CHECK(good->access_key_id == "ASIAEXAMPLE");
  CHECK(good->secret_access_key.expose() == "s");
  CHECK(good->session_token.expose() == "t");
  CHECK(format_rfc3339(good->expires) == "2024-05-01T10:00:00.000Z");
  CHECK(good->source == "it");

  const auto refused =
      parse_credentials_answer(R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"no"})", "it");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK(refused.error().message == "it says AssumeRoleUnauthorizedAccess");
  for (const auto* bad :
       {"", "[]", "{", "{}", R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":"t"})",
        R"({"AccessKeyId":"A","Token":"t","Expiration":"2024-05-01T10:00:00Z"})",
        R"({"AccessKeyId":7,"SecretAccessKey":"s","Token":"t","Expiration":"2024-05-01T10:00:00Z"})",
        R"({"AccessKeyId":"A\n","SecretAccessKey":"s","Token":"t","Expiration":"2024-05-01T10:00:00Z"})",
        R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"tomorrow"})"}) {
    CAPTURE(bad);
    const auto answer = parse_credentials_answer(bad, "it");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::corrupt);
  }
}
