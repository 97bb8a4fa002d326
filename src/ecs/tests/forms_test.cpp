#include "ecs/forms.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace footman::ecs;

TEST_CASE("hosts of SQS") {
  for (const auto* host :
       {"sqs.eu-central-1.amazonaws.com", "sqs.cn-north-1.amazonaws.com.cn",
        "sqs-fips.us-east-1.amazonaws.com", "sqs.eu-central-1.api.aws", "us-east-1.queue.amazonaws.com",
        "queue.amazonaws.com", "vpce-0a1b-2c3d.sqs.eu-central-1.vpce.amazonaws.com"})
    CHECK_MESSAGE(is_sqs_host(host), host);
  for (const auto* host : {"", "sqs.example.com", "amazonaws.com", "sqs.amazonaws.com.example.com",
                           "sqsamazonaws.com", "ci-1.eu-central-1.elb.amazonaws.com"})
    CHECK_FALSE_MESSAGE(is_sqs_host(host), host);
}

TEST_CASE("forms: an ARN has six parts; the resource may have colons") {
  const auto secret =
      find_arn("arn:aws:secretsmanager:eu-central-1:123456789012:secret:token-a1:key::").value();
  CHECK(secret == Arn{"aws", "secretsmanager", "eu-central-1", "123456789012", "secret:token-a1:key::"});
  CHECK(find_arn("arn:aws:iam::aws:policy/AdministratorAccess").has_value());
  CHECK(find_arn("arn:aws-cn:s3:::bucket/key").has_value());
  for (const auto* text :
       {"", "arn", "arn:aws:iam::123456789012", "arn:aws:iam::12345:role/x",
        "arn:aws:::x:", "arn:aws:ecs:Frankfurt:123456789012:cluster/x", "arn:gcp:iam::123456789012:role/x",
        "arn:aws:iam::123456789012:role/a b", "urn:aws:iam::123456789012:role/x"})
    CHECK_MESSAGE(!find_arn(text), text);
}

TEST_CASE("forms: a region tells its partition") {
  CHECK(find_partition("eu-central-1") == "aws");
  CHECK(find_partition("ap-southeast-12") == "aws");
  CHECK(find_partition("cn-north-1") == "aws-cn");
  CHECK(find_partition("us-gov-west-1") == "aws-us-gov");
  CHECK(find_partition("us-isob-east-1") == "aws-iso-b");
  for (const auto* text :
       {"", "eu", "eu-central", "eu-central-1a", "EU-central-1", "-central-1", "eu--1", "1-1-1"})
    CHECK_MESSAGE(find_partition(text).empty(), text);
}

TEST_CASE("forms: ids, names, definitions, images, roles") {
  CHECK(is_resource_id("subnet-0a1b2c3d", "subnet-"));
  CHECK(is_resource_id("subnet-0123456789abcdef0", "subnet-"));
  for (const auto* text : {"subnet-", "subnet-xyz", "sg-0a1b2c3d", "subnet-0a1b2c3", "subnet-0A1B2C3D"})
    CHECK_MESSAGE(!is_resource_id(text, "subnet-"), text);
  CHECK(is_ecs_name("a-B_9"));
  CHECK_FALSE(is_ecs_name("a.b"));
  CHECK_FALSE(is_ecs_name(std::string(256, 'a')));
  for (const auto* text : {"ci", "ci:12", "arn:aws:ecs:eu-central-1:123456789012:task-definition/ci:12"})
    CHECK_MESSAGE(is_task_definition(text), text);
  for (const auto* text :
       {"", "ci:", "ci:x", "ci:0", "c i", "arn:aws:ecs:eu-central-1:123456789012:cluster/ci"})
    CHECK_MESSAGE(!is_task_definition(text), text);
  const auto digest = "@sha256:" + std::string(64, 'a');
  for (const auto& text : {std::string("node:20"), std::string("public.ecr.aws/x/y:1#2"), "node" + digest})
    CHECK_MESSAGE(is_image(text), text);
  for (const auto& text : {std::string(), std::string("node 20"), std::string("node@sha256:abc"), digest})
    CHECK_MESSAGE(!is_image(text), text);
  CHECK(is_role_arn("arn:aws:iam::123456789012:role/path/name"));
  CHECK_FALSE(is_role_arn("arn:aws:iam::123456789012:user/name"));
  CHECK_FALSE(is_role_arn("arn:aws:iam::123456789012:role/"));
  CHECK_FALSE(is_role_arn("arn:aws:iam:eu-central-1:123456789012:role/x"));
  CHECK(is_absolute_path("/x", false));
  CHECK_FALSE(is_absolute_path("C:\\x", false));
  CHECK(is_absolute_path("C:\\x", true));
  CHECK_FALSE(is_absolute_path("x", true));
  CHECK(is_log_group("/ecs/footman"));
  CHECK_FALSE(is_log_group("ecs footman"));
}

TEST_CASE("forms: a tag's text is counted in characters") {
  CHECK(is_tag_text("Gebäude 7/a_b.c:d=e+f-g@h", 128));
  std::string umlauts;
  for (int i = 0; i < 128; ++i) umlauts += "ä";
  CHECK(is_tag_text(umlauts, 128));
  CHECK_FALSE(is_tag_text(umlauts + "x", 128));
  CHECK_FALSE(is_tag_text("a*b", 128));
  CHECK_FALSE(is_tag_text("\xff", 128));
}
