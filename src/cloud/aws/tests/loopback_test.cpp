// The real HTTP client against a strict server on this machine: TLS, signatures over what really arrives,
// connections that are used again, connections that break; and the metadata services.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/digest.hpp"
#include "cloud/aws/credential_chain.hpp"
#include "cloud/aws/file_reader.hpp"
#include "cloud/aws/sts.hpp"
#include "net/tests/world.hpp"

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::aws;
using runtime::Awaitable;

namespace {

constexpr std::string_view kKeyId = "AKIDEXAMPLE";
constexpr std::string_view kSecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

Credentials example() {
  return {std::string(kKeyId), Secret(std::string(kSecretKey)), Secret("token"), {}, "a test"};
}

Instant parse_amz_date(std::string_view text) {
  if (text.size() != 16) return {};
  const auto part = [&](std::size_t at, std::size_t size) { return std::string(text.substr(at, size)); };
  const auto time = parse_rfc3339(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(9, 2) + ":" +
                                  part(11, 2) + ":" + part(13, 2) + "Z");
  return time.value_or(Instant());
}

// As AWS checks it: every header that is said to be signed, as it arrived.
bool is_signed(const net::HttpRequest& request, const std::string& service, Instant now) {
  const std::string line(request.headers.value_or("Authorization", ""));
  const auto from = line.find("SignedHeaders=");
  if (from == std::string::npos) return false;
  const auto names = line.substr(from + 14, line.find(',', from) - from - 14);
  const auto is_named = [&](std::string_view name) {
    return (";" + names + ";").find(";" + std::string(name) + ";") != std::string::npos;
  };
  if (!is_named("host") || !is_named("x-amz-date") || !is_named("content-type")) return false;

  RequestToSign copy{
      request.method, std::string(request.headers.value_or("Host", "")), request.target, {}, {},
      request.body};
  for (const auto& [name, value] : request.headers.all()) {
    std::string lower = name;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    if (is_named(lower)) copy.headers.add(lower, value);
  }
  const auto time = parse_amz_date(request.headers.value_or("X-Amz-Date", ""));
  if (!time.is_set() || std::chrono::abs(time - now) > 5min) return false;
  return sign(copy, {"eu-west-1", service}, example(), time).value_or("Authorization", "") == line;
}

struct Loopback : net::test::World {
  Loopback()
      : identity(net::test::make_identity({"localhost", "127.0.0.1"}, clock->now())),
        server(executor(), executor(),
               [this](std::shared_ptr<const net::HttpRequest> request) {
                 return handle(this, std::move(request));
               },
               {}, *clock, {}) {
    auto plain_listener = listen();
    auto tls_listener = listen();
    plain = plain_listener->endpoint();
    tls = tls_listener->endpoint();
    server.serve(std::move(plain_listener), nullptr);
    server.serve(std::move(tls_listener), identity.server);
    auto config = service_http({});
    config.tls = net::test::trusting(identity);
    service_client = std::make_unique<net::HttpClient>(executor(), *clock, config);
    metadata_client = std::make_unique<net::HttpClient>(executor(), *clock, metadata_http());
    outside = std::make_unique<Outside>(Outside{make_sender(executor(), *service_client),
                                                make_sender(executor(), *metadata_client),
                                                reader.function(),
                                                [this](const std::string& name) { return variable(name); },
                                                *clock,
                                                *rng,
                                                {}});
  }
  ~Loopback() {
    service_client->close_idle();
    metadata_client->close_idle();
    server.stop();
    run(server.join());
  }

  std::optional<std::string> variable(const std::string& name) const {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  }

  static Awaitable<net::HttpResponse> handle(Loopback* self,
                                             std::shared_ptr<const net::HttpRequest> request) {
    self->requests.push_back(*request);
    self->peers.insert(request->peer);
    co_return self->answer(*request);
  }
  net::HttpResponse answer(const net::HttpRequest& request) {
    if (request.path.starts_with("/latest/") || request.path.starts_with("/v1/"))
      return answer_metadata(request);
    const bool is_ecs = request.headers.find("X-Amz-Target").has_value();
    net::HttpResponse out;
    if (!is_signed(request, is_ecs ? "ecs" : "sts", clock->now())) {
      out.status = 403;
      out.body = R"({"__type":"InvalidSignatureException","message":"not what was signed"})";
      return out;
    }
    if (script) return script(request);
    out.body = is_ecs
                   ? R"({"clusterArns":[]})"
                   : "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:me</Arn><UserId>u</UserId>"
                     "<Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    return out;
  }
  static net::HttpResponse answer_metadata(const net::HttpRequest& request) {
    net::HttpResponse out;
    const bool is_pod =
        request.path.starts_with("/v1/") && request.headers.value_or("Authorization", "") == "pod-token";
    if (request.method == "PUT" && request.path == "/latest/api/token") {
      out.body = "IMDS";
    } else if (!is_pod && request.headers.value_or("X-aws-ec2-metadata-token", "") != "IMDS") {
      out.status = 401;
    } else if (request.path == "/latest/meta-data/iam/security-credentials/") {
      out.body = "ci";
    } else {
      out.body = R"({"AccessKeyId":")" + std::string(kKeyId) + R"(","SecretAccessKey":")" +
                 std::string(kSecretKey) + R"(","Token":"token","Expiration":"2099-01-01T00:00:00Z"})";
    }
    return out;
  }
  std::unique_ptr<Client> client(const Service& service, CredentialsSource* credentials,
                                 CallLimits limits = {}) {
    ClientConfig config{service, "eu-west-1", {false, false, "https://" + tls.str()}, limits};
    return std::move(*Client::create(std::move(config), *outside, credentials, nullptr));
  }

  FileReader reader{executor(), *clock};
  net::test::TlsIdentity identity;
  net::HttpServer server;
  net::Endpoint plain;
  net::Endpoint tls;
  std::unique_ptr<net::HttpClient> service_client;
  std::unique_ptr<net::HttpClient> metadata_client;
  std::map<std::string, std::string> variables;
  std::unique_ptr<Outside> outside;
  std::function<net::HttpResponse(const net::HttpRequest&)> script;
  std::vector<net::HttpRequest> requests;
  std::set<std::string> peers;  // one for each connection
};

Call list_clusters() { return {"ListClusters", "{}", {}, true, {}, Urgency::read}; }

// Accepts and breaks the connection once a request has begun.
Awaitable<void> break_connections(net::Listener* listener, int* count) {
  while (true) {
    auto stream = co_await listener->accept();
    if (!stream) co_return;
    (void)co_await (*stream)->read(4096);
    ++*count;
  }
}

}  // namespace

TEST_CASE("signed calls over TLS, many over one connection") {
  Loopback world;
  FixedCredentials credentials(example());
  auto ecs = world.client(kEcs, &credentials);
  auto sts = world.client(kSts, &credentials);
  for (int i = 0; i < 5; ++i) {
    const auto got = world.run(ecs->call_json(list_clusters()));
    REQUIRE_MESSAGE(got, (got ? "" : got.error().message));
    CHECK(got->contains("clusterArns"));
  }
  CHECK(world.run(get_caller_identity(*sts))->arn == "arn:me");
  CHECK(world.requests.size() == 6);
  CHECK(world.peers.size() == 1);
}

TEST_CASE("a wrong secret is refused, in words, after one attempt") {
  Loopback world;
  auto wrong = example();
  wrong.secret_access_key = Secret("another");
  FixedCredentials credentials(wrong);
  const auto got = world.run(world.client(kEcs, &credentials)->call_json(list_clusters()));
  REQUIRE_FALSE(got);
  CHECK(got.error().failure == model::FailureClass::permission);
  CHECK(got.error().message.find("InvalidSignatureException: not what was signed") != std::string::npos);
  CHECK(world.requests.size() == 1);
}

TEST_CASE("a server that nobody vouches for gets nothing") {
  Loopback world;
  auto strange = net::test::make_identity({"localhost", "127.0.0.1"}, world.clock->now());
  auto config = service_http({});
  config.tls = net::test::trusting(strange);
  net::HttpClient client(world.executor(), *world.clock, config);
  world.outside->services = make_sender(world.executor(), client);
  FixedCredentials credentials(example());
  const auto got = world.run(world.client(kEcs, &credentials)->call_json(list_clusters()));
  REQUIRE_FALSE(got);
  CHECK(got.error().definite);
  CHECK(world.requests.empty());
}

TEST_CASE("connections that break: repeated when that is safe, unknown when not") {
  net::test::World world;
  auto listener = world.listen();
  int count = 0;
  world.scope.spawn("breaks", break_connections(listener.get(), &count));
  net::HttpClient http(world.executor(), *world.clock, service_http({}));
  const Outside outside{make_sender(world.executor(), http), {}, {}, {}, *world.clock, *world.rng, {}};
  FixedCredentials credentials(example());
  CallLimits quick;
  quick.transient.first_pause = 1ms;
  auto client = std::move(
      *Client::create({kEcs, "eu-west-1", {false, false, "http://" + listener->endpoint().str()}, quick},
                      outside, &credentials, nullptr));
  auto call = list_clusters();
  const auto repeated = world.run(client->call_json(call));
  REQUIRE_FALSE(repeated);
  CHECK(count == 4);
  CHECK_FALSE(repeated.error().definite);
  call.idempotent = false;
  CHECK_FALSE(world.run(client->call_json(call)));
  CHECK(count == 5);

  listener->close();
  listener.reset();
  world.run(world.scope.join());
  const auto refused = world.run(client->call_json(call));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().definite);
  CHECK(refused.error().failure == model::FailureClass::transient);
}

TEST_CASE("credentials of the instance sign a call") {
  Loopback world;
  world.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://" + world.plain.str();
  CredentialChain chain(*world.outside, {"", "eu-west-1", {}});
  const auto got = world.run(world.client(kEcs, &chain)->call_json(list_clusters()));
  REQUIRE_MESSAGE(got, (got ? "" : got.error().message));
  CHECK(world.requests.size() == 4);
}

TEST_CASE("credentials of a pod, with a token from a file, and keys from real shared files") {
  Loopback world;
  const auto folder = std::filesystem::temp_directory_path() / ("footman-aws-" + world.rng->name(10));
  std::filesystem::create_directories(folder / ".aws");
  world.variables["HOME"] = folder.string();
  world.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + world.plain.str() + "/v1/credentials";
  world.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (folder / "token").string();
  std::ofstream(folder / "token") << "pod-token\n";
  const ChainOptions options{"", "eu-west-1", {}};
  auto got = world.run(find_credentials(*world.outside, options));
  REQUIRE_MESSAGE(got, (got ? "" : describe(got.error())));
  CHECK(got->access_key_id == kKeyId);
  CHECK(got->source == "the container's credentials at 127.0.0.1");

  std::ofstream(folder / ".aws/credentials")
      << "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n";
  CHECK(world.run(find_credentials(*world.outside, options))->access_key_id == "FILE");
  std::filesystem::remove_all(folder);
}

TEST_CASE("files that cannot be read are errors in words") {
  net::test::World world;
  FileReader reader(world.executor(), *world.clock);
  const auto folder = std::filesystem::temp_directory_path() / ("footman-aws-" + world.rng->name(10));
  std::filesystem::create_directories(folder);
  CHECK(world.run(reader.read((folder / "none").string())).error().code == Errc::not_found);
  CHECK(world.run(reader.read(folder.string())).error().code == Errc::invalid_argument);
  std::ofstream(folder / "big") << std::string(kMaxSharedFileBytes + 1, 'x');
  CHECK(world.run(reader.read((folder / "big").string())).error().code == Errc::resource_exhausted);
  std::ofstream(folder / "good") << "text";
  CHECK(world.run(reader.read((folder / "good").string())) == "text");
  std::filesystem::remove_all(folder);
}
