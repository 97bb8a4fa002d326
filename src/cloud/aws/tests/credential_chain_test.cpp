// The chain of credentials against scripted places, files and variables.
#include "cloud/aws/credential_chain.hpp"

#include "cloud/aws/tests/world.hpp"

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::aws;
using namespace footman::cloud::aws::test;

namespace {

constexpr auto* kMetadataAnswer =
    R"({"Code":"Success","AccessKeyId":"ASIAMETA","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"})";

net::HttpClientResponse sts_answer(const std::string& operation, const std::string& key) {
  return answer(200, "<" + operation + "Response><" + operation + "Result><Credentials><AccessKeyId>" + key +
                         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
                         "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" +
                         operation + "Result></" + operation + "Response>");
}

struct Chain : World {
  ChainOptions options{"", "eu-west-1", {}};
  Chain() { variables["HOME"] = "/home/ci"; }
  Result<Credentials> find() { return run(find_credentials(outside, options)); }
  std::string key() {
    const auto got = find();
    return got ? got->access_key_id : describe(got.error());
  }
  void check_error(Errc code, const std::string& part) {
    const auto got = find();
    REQUIRE_FALSE(got);
    CAPTURE(describe(got.error()));
    CHECK(to_string(got.error().code) == to_string(code));
    CHECK(has(describe(got.error()), part));
  }
  // An instance with a role: version 2 only.
  void be_instance() {
    metadata.script = [](const net::HttpClientRequest& request) -> Result<net::HttpClientResponse> {
      if (request.url.host != "169.254.169.254") return fail(Errc::unavailable, "nobody");
      if (request.method == "PUT" && request.url.path == "/latest/api/token")
        return request.headers.value_or("X-aws-ec2-metadata-token-ttl-seconds", "") == "21600"
                   ? answer(200, "IMDS-TOKEN")
                   : answer(400, "");
      if (request.headers.value_or("X-aws-ec2-metadata-token", "") != "IMDS-TOKEN") return answer(401, "");
      if (request.url.path == "/latest/meta-data/iam/security-credentials/") return answer(200, "ci-role\n");
      if (request.url.path == "/latest/meta-data/iam/security-credentials/ci-role")
        return answer(200, kMetadataAnswer);
      return answer(404, "");
    };
  }
};

}  // namespace

TEST_CASE("nothing is configured anywhere: the error names every link and its reason") {
  Chain chain;
  chain.check_error(Errc::not_found,
                    "no AWS credentials were found: the environment: AWS_ACCESS_KEY_ID is not set; "
                    "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; "
                    "the shared files: there is no AWS profile 'default'; "
                    "the container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI are not set; "
                    "the instance: nobody answers at http://169.254.169.254/: cannot reach 169.254.169.254");
  chain.variables["AWS_EC2_METADATA_DISABLED"] = "True";
  chain.variables.erase("HOME");
  chain.metadata.answers({});
  chain.check_error(Errc::not_found, "the instance: AWS_EC2_METADATA_DISABLED is true");
  chain.check_error(Errc::not_found, "HOME is not set");
}

TEST_CASE("the environment counts first; half a key ends the search") {
  Chain chain;
  chain.be_instance();
  chain.variables["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
  chain.check_error(Errc::invalid_argument,
                    "no AWS credentials from the environment: the environment has no secret access key");
  chain.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  chain.variables["AWS_PROFILE"] = "other";
  CHECK(chain.key() == "AKIDEXAMPLE");
  CHECK(chain.find()->session_token.empty());
  CHECK_FALSE(chain.find()->expires.is_set());
}

TEST_CASE("web identity: the token is read anew and sent without a signature") {
  Chain chain;
  chain.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/run/token";
  chain.check_error(Errc::invalid_argument, "not AWS_ROLE_ARN");
  chain.variables["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/pod";
  chain.be_instance();  // and yet nobody takes the instance's role instead
  chain.check_error(Errc::invalid_argument, "the web identity token: there is no file /var/run/token");
  for (const auto* token : {"one.JWT\n", "two.JWT"}) {
    chain.files["/var/run/token"] = token;
    chain.services.answers({sts_answer("AssumeRoleWithWebIdentity", "ASIAPOD")});
    CHECK(chain.key() == "ASIAPOD");
    const auto& body = chain.services.requests.back().body;
    CHECK(body.ends_with("WebIdentityToken=" + std::string(token).substr(0, 7)));
    CHECK(has(body, "RoleSessionName=footman-"));
  }
  CHECK(chain.services.requests.back().headers.find("Authorization") == std::nullopt);
  chain.services.script = [](const auto&) {
    return answer(400,
                  "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no "
                  "provider</Message></Error></ErrorResponse>");
  };
  chain.check_error(Errc::permission_denied,
                    "no AWS credentials from web identity: sts AssumeRoleWithWebIdentity in eu-west-1: "
                    "InvalidIdentityToken: no provider");
}

TEST_CASE("the shared files: default, AWS_PROFILE, other places") {
  Chain chain;
  chain.files["/home/ci/.aws/credentials"] =
      "[default]\naws_access_key_id=DEFAULT\naws_secret_access_key=s\n";
  CHECK(chain.key() == "DEFAULT");
  chain.files["/home/ci/.aws/config"] = "[profile ci]\naws_access_key_id=CI\naws_secret_access_key=s\n";
  chain.variables["AWS_PROFILE"] = "ci";
  CHECK(chain.key() == "CI");
  chain.variables["AWS_CONFIG_FILE"] = "/etc/aws";
  chain.files["/etc/aws"] = "[profile ci]\naws_access_key_id=ETC\naws_secret_access_key=s\n";
  CHECK(chain.key() == "ETC");
  chain.options.profile = "default";
  CHECK(chain.key() == "DEFAULT");
  chain.options.profile = "none";
  chain.check_error(Errc::invalid_argument, "there is no AWS profile 'none'");
}

TEST_CASE("a profile that was chosen and gives nothing ends the search, others do not") {
  Chain chain;
  chain.be_instance();
  chain.files["/home/ci/.aws/config"] = "[default]\nregion = eu-west-1\n";
  CHECK(chain.key() == "ASIAMETA");
  chain.variables["AWS_PROFILE"] = "missing";
  chain.check_error(Errc::invalid_argument,
                    "no AWS credentials from the shared files: there is no AWS profile 'missing'");
  chain.variables["AWS_PROFILE"] = "";
  chain.files["/home/ci/.aws/config"] = "[default]\nthis is not a setting\n";
  chain.check_error(Errc::invalid_argument, "at /home/ci/.aws/config:2");
  chain.odd_files.emplace("/home/ci/.aws/config",
                          fail(Errc::permission_denied, "open /home/ci/.aws/config: Permission denied"));
  chain.check_error(Errc::permission_denied, "Permission denied");
}

TEST_CASE("roles of a profile, one after the other") {
  Chain chain;
  chain.files["/home/ci/.aws/config"] =
      "[default]\nrole_arn = arn:a\nsource_profile = b\nexternal_id = x\nrole_session_name = "
      "ci\nduration_seconds = 900\n"
      "[profile b]\nrole_arn = arn:b\ncredential_source = Ec2InstanceMetadata\n";
  chain.be_instance();
  chain.services.answers({sts_answer("AssumeRole", "ASIAB"), sts_answer("AssumeRole", "ASIAA")});
  const auto got = chain.find();
  REQUIRE(got);
  CHECK(got->access_key_id == "ASIAA");
  CHECK(got->source == "the role arn:a");
  REQUIRE(chain.services.requests.size() == 2);
  const auto& first = chain.services.requests[0];
  const auto& second = chain.services.requests[1];
  CHECK(has(std::string(first.headers.value_or("Authorization", "")), "Credential=ASIAMETA/"));
  CHECK(has(first.body, "RoleArn=arn%3Ab"));
  CHECK(has(std::string(second.headers.value_or("Authorization", "")), "Credential=ASIAB/"));
  CHECK(second.body ==
        "Action=AssumeRole&DurationSeconds=900&ExternalId=x&RoleArn=arn%3Aa&RoleSessionName=ci&Version=2011-"
        "06-15");

  // The source is gone: nobody looks elsewhere.
  chain.metadata.script = [](const auto&) { return answer(403, ""); };
  chain.check_error(Errc::invalid_argument,
                    "the AWS profile 'default': http://169.254.169.254/ gives no token (status 403)");
  chain.options.region = "";
  chain.be_instance();
  chain.check_error(Errc::invalid_argument, "no AWS region is given");
}

TEST_CASE("the container of ECS and of EKS") {
  Chain chain;
  chain.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/uuid?a=b";
  chain.metadata.answers({answer(200, kMetadataAnswer)});
  CHECK(chain.key() == "ASIAMETA");
  CHECK(chain.metadata.requests[0].url.str() == "http://169.254.170.2/v2/credentials/uuid?a=b");
  CHECK_FALSE(chain.metadata.requests[0].headers.find("Authorization"));

  chain.variables.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  chain.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  chain.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "from the variable";
  chain.metadata.answers({answer(200, kMetadataAnswer), answer(200, kMetadataAnswer)});
  CHECK(chain.key() == "ASIAMETA");
  CHECK(chain.metadata.requests[1].headers.value_or("Authorization", "") == "from the variable");
  chain.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token";
  chain.files["/token"] = "from.the.file\n";
  CHECK(chain.key() == "ASIAMETA");
  CHECK(chain.metadata.requests[2].headers.value_or("Authorization", "") == "from.the.file");
  chain.files["/token"] = "two\nlines";
  chain.check_error(Errc::invalid_argument, "cannot be a header's value");
  chain.files.erase("/token");
  chain.check_error(Errc::invalid_argument, "there is no file /token");
}

TEST_CASE("only hosts that belong to the machine get the container's token without TLS") {
  Chain chain;
  auto& uri = chain.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
  for (const auto* good : {"http://localhost/x", "http://127.0.0.1:8080/x", "http://[::1]/x",
                           "http://169.254.170.2/x", "http://[fd00:ec2::23]/v1", "https://example.org/x"}) {
    CAPTURE(good);
    uri = good;
    chain.metadata.answers({answer(200, kMetadataAnswer)});
    CHECK(chain.key() == "ASIAMETA");
  }
  chain.metadata.answers({});
  for (const auto* bad :
       {"http://example.org/x", "http://169.254.169.254/x", "http://169.254.170.2.example.org/x",
        "ftp://localhost/x", "nonsense", "ws://localhost/x"}) {
    CAPTURE(bad);
    uri = bad;
    CHECK(chain.find().error().code == Errc::invalid_argument);
  }
  uri = "";
  chain.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = ".example.org/x";
  chain.check_error(Errc::invalid_argument, "does not begin with /");
}

TEST_CASE("metadata services that stumble are asked again, those that refuse are not") {
  Chain chain;
  chain.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  chain.metadata.answers({answer(500, ""), fail(Errc::timeout, "late"), answer(200, kMetadataAnswer)});
  CHECK(chain.key() == "ASIAMETA");
  CHECK(chain.metadata.times[2] - chain.metadata.times[1] == 400ms);
  chain.metadata.answers({answer(500, ""), answer(500, ""), answer(503, "")});
  chain.check_error(Errc::unavailable,
                    "the container's credentials at 169.254.170.2 answered with status 503");
  chain.be_instance();  // not tried
  for (const int status : {400, 404}) {
    chain.metadata.answers({answer(status, "")});
    chain.check_error(Errc::permission_denied, "answered with status " + std::to_string(status));
  }
  chain.metadata.answers({answer(200, "{}")});
  chain.check_error(Errc::corrupt, "has no Expiration");
}

TEST_CASE("the instance: version 2, its odd answers, another address") {
  Chain chain;
  chain.be_instance();
  const auto got = chain.find();
  REQUIRE(got);
  CHECK(got->source == "the instance metadata at 169.254.169.254 (role ci-role)");
  CHECK(chain.metadata.requests.size() == 3);

  chain.metadata.answers({answer(200, "token"), answer(404, "")});
  chain.check_error(Errc::not_found, "the instance has no role");
  chain.metadata.answers({answer(200, "bad\r\ntoken")});
  chain.check_error(Errc::not_found, "gives no token");
  chain.metadata.answers({answer(200, "token"), answer(200, "../../evil\n")});
  chain.check_error(Errc::corrupt, "names no role");
  chain.metadata.answers(
      {answer(200, "token"), answer(200, "role"), answer(200, R"({"Code":"AssumeRoleUnauthorizedAccess"})")});
  chain.check_error(Errc::permission_denied, "AssumeRoleUnauthorizedAccess");
  chain.metadata.answers({answer(200, "token"), answer(401, "")});
  chain.check_error(Errc::permission_denied, "status 401");

  chain.metadata.requests.clear();
  chain.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1338";
  chain.metadata.answers({answer(200, "token"), answer(200, "a+b@c"), answer(200, kMetadataAnswer)});
  CHECK(chain.key() == "ASIAMETA");
  CHECK(chain.metadata.requests[2].url.str() ==
        "http://127.0.0.1:1338/latest/meta-data/iam/security-credentials/a%2Bb%40c");
  chain.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "tcp://x:1";
  chain.check_error(Errc::invalid_argument, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  chain.variables.erase("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  chain.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "IPv6";
  chain.metadata.script = [](const auto&) { return fail(Errc::unavailable, "no IPv6 here"); };
  chain.check_error(Errc::not_found, "http://[fd00:ec2::254]/");
}

TEST_CASE("the cached chain: what was there once and is gone is no reason to give up") {
  Chain world;
  world.be_instance();
  CredentialChain chain(world.outside, world.options);
  const auto key = [&] {
    const auto got = world.run(chain.get());
    return got ? got->access_key_id : std::string(to_string(got.error().code));
  };
  CHECK(key() == "ASIAMETA");
  CHECK(key() == "ASIAMETA");
  CHECK(world.metadata.requests.size() == 3);
  world.move(kRejectPause);
  chain.reject("ASIAMETA");
  world.metadata.script = [](const auto&) { return fail(Errc::timeout, "silence"); };
  CHECK(key() == "unavailable");
  world.be_instance();
  CHECK(key() == "ASIAMETA");
}

TEST_CASE("a role on top of another source") {
  Chain world;
  world.variables["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
  world.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  CredentialChain base(world.outside, world.options);
  auto role =
      AssumedRole::create(world.outside, world.options, base, {"arn:other", "external", "footman-ci", 1h});
  REQUIRE(role);
  world.services.answers({sts_answer("AssumeRole", "ASIAOTHER")});
  for (int i = 0; i < 3; ++i) CHECK(world.run((*role)->get())->access_key_id == "ASIAOTHER");
  CHECK(world.services.requests.size() == 1);
  CHECK(has(world.services.requests[0].body, "ExternalId=external"));
  CHECK(has(world.services.requests[0].body, "RoleSessionName=footman-ci"));
  CHECK(has(std::string(world.services.requests[0].headers.value_or("Authorization", "")),
            "Credential=AKIDEXAMPLE/"));
  CHECK_FALSE(AssumedRole::create(world.outside, {"", "nowhere", {}}, base, {}));
}

TEST_CASE("no error holds a secret") {
  Chain chain;
  const std::string secret = "do-not-show";
  chain.variables["AWS_ACCESS_KEY_ID"] = "AKID EXAMPLE";
  chain.variables["AWS_SECRET_ACCESS_KEY"] = secret;
  CHECK_FALSE(has(chain.key(), secret));
  chain.variables.erase("AWS_ACCESS_KEY_ID");
  CHECK_FALSE(has(chain.key(), secret));
  chain.variables.erase("AWS_SECRET_ACCESS_KEY");
  chain.files["/home/ci/.aws/credentials"] =
      "[default]\naws_access_key_id = A\naws_secret_access_key " + secret + "\n";
  CHECK_FALSE(has(chain.key(), secret));
  chain.files["/home/ci/.aws/credentials"] =
      "[default]\naws_access_key_id = A\naws_secret_access_key = " + secret + " x\n";
  CHECK_FALSE(has(chain.key(), secret));
}
