#include "apps/footman/image.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "apps/footman/aws_access.hpp"
#include "cli/ecs_cloud.hpp"
#include "cli/json.hpp"
#include "cli/new_file.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cloud/aws/ecr.hpp"
#include "image/carrier.hpp"
#include "image/program.hpp"
#include "image/reference.hpp"
#include "registry/login.hpp"
#include "registry/push.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/loop.hpp"

namespace footman::app {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::Secret;
using image::AgentProgram;
using runtime::Awaitable;
using runtime::real::Files;
using runtime::real::read_file;
namespace aws = cloud::aws;
namespace json = boost::json;

constexpr std::size_t kMaxPasswordFile = 64UL << 10;
constexpr std::size_t kMaxAuthorityFile = 1UL << 20;
constexpr std::array<const char*, 3> kAgentNames{"footman-agent", "footman-agent-amd64",
                                                 "footman-agent-arm64"};
constexpr std::array<std::string_view, 2> kArchitectures{image::kAmd64, image::kArm64};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// A file that was named: what is wrong with it is wrong with the option.
Result<std::string> read_given(const std::string& path, std::size_t limit, const std::string& field) {
  auto text = read_file(path, limit, Files::any);
  if (!text) return fail(Errc::invalid_argument, text.error().message, field);
  return text;
}

// --- the image

struct Made {
  image::CarrierImage image;
  std::vector<std::string> architectures;
  std::vector<std::string> notes;  // for people
};

Result<std::string> find_own_folder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(Errc::io, "where this program stands cannot be found: " + error.message());
  return self.parent_path().string();
}

// Of two for the same architecture the first one counts: a name without one is that of this machine's.
Result<std::vector<AgentProgram>> find_agents(const std::string& folder) {
  std::vector<AgentProgram> found;
  std::vector<std::string> architectures;
  for (const auto* name : kAgentNames) {
    const auto path = fmt::format("{}/{}", folder, name);
    auto bytes = read_file(path, image::kMaxProgramBytes);
    if (!bytes && bytes.error().code == Errc::not_found) continue;
    if (!bytes) return std::unexpected(bytes.error());
    const auto architecture = image::find_architecture(*bytes);
    if (!architecture)
      return fail(Errc::invalid_argument, fmt::format("{} {}", path, architecture.error().message), {},
                  architecture.error().hint);
    if (std::ranges::count(architectures, *architecture) > 0) continue;
    architectures.push_back(*architecture);
    found.push_back({path, std::move(*bytes)});
  }
  return found;
}

Result<std::vector<AgentProgram>> read_agents(const std::vector<std::string>& files) {
  std::vector<AgentProgram> read;
  for (const auto& file : files) {
    FOOTMAN_TRY(auto bytes, read_given(file, image::kMaxProgramBytes, "--agent"));
    read.push_back({file, std::move(bytes)});
  }
  return read;
}

std::string hint_for(std::string_view architecture) {
  if (architecture == image::kArm64) return "make agent-arm64 builds it.";
  return "Name one with --agent.";
}

Result<Made> make_image(const cli::ImageOptions& options) {
  FOOTMAN_TRY(const auto folder, find_own_folder());
  FOOTMAN_TRY(auto programs, options.agents.empty() ? find_agents(folder) : read_agents(options.agents));
  const auto place = options.agents.empty() ? folder : std::string("the files of --agent");
  if (programs.empty())
    return fail(Errc::invalid_argument, fmt::format("there is no footman-agent in {}", place), {},
                "make build makes it, or name one with --agent.");
  const auto& wanted = options.architectures;
  if (!wanted.empty())
    std::erase_if(programs, [&](const auto& one) {
      const auto architecture = image::find_architecture(one.bytes);  // what is none is refused below
      return architecture && std::ranges::count(wanted, *architecture) == 0;
    });
  Made made;
  if (!programs.empty()) {
    FOOTMAN_TRY(made.image, image::make_carrier_image(programs));
  }
  for (const auto& platform : made.image.platforms) made.architectures.push_back(platform.architecture);
  for (const auto architecture : kArchitectures) {
    if (std::ranges::count(made.architectures, architecture) > 0) continue;
    if (std::ranges::count(wanted, architecture) > 0)
      return fail(Errc::invalid_argument, fmt::format("there is no agent for {} in {}", architecture, place),
                  "--arch", hint_for(architecture));
    if (wanted.empty())
      made.notes.push_back(fmt::format("there is no agent for {} in {}: the image is for {} alone. {}",
                                       architecture, place, fmt::join(made.architectures, " and "),
                                       hint_for(architecture)));
  }
  return made;
}

// --- who one is

Result<registry::Login> read_own_login(const cli::PushOptions& options, std::string user) {
  if (!options.password_file.empty()) {
    FOOTMAN_TRY(auto text, read_given(options.password_file, kMaxPasswordFile, "--password-file"));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty())
      return fail(Errc::invalid_argument, options.password_file + " holds no password: it is empty",
                  "--password-file");
    return registry::Login{std::move(user), Secret(std::move(text)), options.password_file};
  }
  if (auto text = variable("FOOTMAN_REGISTRY_PASSWORD"); !text.empty())
    return registry::Login{std::move(user), Secret(std::move(text)), "FOOTMAN_REGISTRY_PASSWORD"};
  return fail(Errc::invalid_argument, fmt::format("there is no password for the user '{}'", user),
              "--password-file", "Give --password-file, or set FOOTMAN_REGISTRY_PASSWORD.");
}

Result<std::optional<registry::Login>> find_docker_login(const std::string& registry) {
  auto folder = variable("DOCKER_CONFIG");
  if (folder.empty()) folder = variable("HOME") + "/.docker";
  const auto path = folder + "/config.json";
  const auto file = read_file(path, registry::kMaxLoginFile);
  if (!file && file.error().code == Errc::not_found) return std::nullopt;
  if (!file) return std::unexpected(file.error());
  return registry::find_stored_login(*file, registry, path);
}

ecs::CloudOptions describe_aws(const std::string& region) {
  ecs::CloudOptions cloud;
  cloud.region = region;
  cloud.endpoint =
      cli::find_endpoints([](const std::string& name) { return std::optional(variable(name.c_str())); });
  return cloud;
}

Awaitable<Result<registry::Login>> ask_ecr(AwsAccess* access, aws::EcrRegistry place) {
  const auto cloud = describe_aws(place.region);
  FOOTMAN_CO_TRY(auto* credentials, access->credentials(cloud, "footman-image"));
  const auto own = cloud.endpoint.urls.find("ecr");
  const aws::EndpointOptions endpoint{false, false,
                                      own == cloud.endpoint.urls.end() ? cloud.endpoint.url : own->second};
  FOOTMAN_CO_TRY(const auto client, aws::Client::create({aws::kEcr, place.region, endpoint, {}},
                                                        access->outside(), credentials, nullptr));
  auto login = co_await aws::get_authorization_token(*client);
  if (!login) co_return std::unexpected(aws::to_error(login.error()));
  co_return registry::Login{std::move(login->user), std::move(login->password), "ECR"};
}

// --- pushing

struct Site {
  runtime::Executor executor;
  runtime::Clock& clock;
  runtime::Rng& rng;
  cli::Output& err;
};

Awaitable<Result<std::optional<registry::Login>>> find_login(const Site* site,
                                                             const cli::PushOptions* options,
                                                             const std::string* registry) {
  auto user = options->user.empty() ? variable("FOOTMAN_REGISTRY_USER") : options->user;
  if (!user.empty()) co_return read_own_login(*options, std::move(user));
  if (!options->password_file.empty())
    co_return fail(Errc::invalid_argument, "a password without a user", "--password-file",
                   "Give --user, too.");
  auto place = aws::find_ecr_registry(*registry);
  if (!place) co_return find_docker_login(*registry);
  AwsAccess access(site->executor, site->executor, site->clock, site->rng, {});
  auto login = co_await ask_ecr(&access, std::move(*place));
  co_await access.stop();
  if (!login) co_return std::unexpected(login.error());
  co_return std::move(*login);
}

Result<net::HttpClientConfig> make_http(const cli::PushOptions& options) {
  net::TlsClientContextPtr tls;
  if (!options.ca_file.empty()) {
    FOOTMAN_TRY(auto pem, read_given(options.ca_file, kMaxAuthorityFile, "--ca-file"));
    auto made = net::create_tls_client_context(
        {.system_store = true, .ca_pem = std::move(pem), .pinned_public_key_sha256 = {}});
    if (!made)
      return fail(Errc::invalid_argument, fmt::format("{}: {}", options.ca_file, made.error().message),
                  "--ca-file");
    tls = std::move(*made);
  }
  return registry::registry_http(net::read_proxy_environment(&std::getenv), std::move(tls));
}

Awaitable<Result<registry::Pushed>> push_all(const Site* site, const cli::PushOptions* options,
                                             const image::Reference* reference,
                                             const image::CarrierImage* image) {
  registry::Target target{*reference, {}, {}};
  FOOTMAN_CO_TRY(target.api, registry::find_api(*reference, options->plain_http));
  FOOTMAN_CO_TRY(auto config, make_http(*options));
  cli::Progress progress(site->err, site->clock, site->executor,
                         "looks who you are to " + reference->registry);
  FOOTMAN_CO_TRY(target.login, co_await find_login(site, options, &reference->registry));
  net::HttpClient http(site->executor, site->clock, std::move(config));
  const registry::Outside outside{
      [&http](net::HttpClientRequest request) { return http.request(std::move(request)); }, site->clock,
      site->rng, [&progress](std::string text) { progress.say(std::move(text)); }};
  co_return co_await registry::push(outside, std::move(target), *image);
}

json::array as_json(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.push_back(json::value(text));
  return out;
}

void show_notes(const Made& made, cli::Output& err) {
  for (const auto& note : made.notes) err.line("note: " + cli::clean(note));
}

}  // namespace

Result<int> push_image(const cli::PushOptions& options, cli::Output& out, cli::Output& err) {
  FOOTMAN_TRY(const auto reference, image::parse_reference(options.repository));
  FOOTMAN_TRY(const auto made, make_image(options.image));
  const auto clock = runtime::real::make_clock();
  const auto rng = runtime::make_os_rng();
  runtime::real::Loop loop;
  const Site site{loop.executor(), *clock, *rng, err};
  FOOTMAN_TRY(const auto pushed, loop.run(push_all(&site, &options, &reference, &made.image)));
  const auto name = reference.with_digest(made.image.index.digest);
  if (options.image.json) {
    out.write(cli::pretty(json::object{{"image", name},
                                       {"tag", reference.str()},
                                       {"digest", made.image.index.digest},
                                       {"architectures", as_json(made.architectures)},
                                       {"sent_bytes", pushed.sent_bytes},
                                       {"notes", as_json(made.notes)}}));
    return cli::exit_ok;
  }
  const auto sent = pushed.sent == 0 ? std::string("it was there already")
                                     : base::format_bytes(pushed.sent_bytes) + " sent";
  err.line(cli::clean(
      fmt::format("pushed {} for {}: {}", reference.str(), fmt::join(made.architectures, " and "), sent)));
  show_notes(made, err);
  out.line(cli::clean(name));
  return cli::exit_ok;
}

Result<int> save_image(const cli::ImageOptions& options, const std::string& file, cli::Output& out,
                       cli::Output& err) {
  FOOTMAN_TRY(const auto made, make_image(options));
  FOOTMAN_TRY_STATUS(cli::write_new_file(file, image::make_archive(made.image, "footman-agent"), "FILE"));
  if (options.json) {
    out.write(cli::pretty(json::object{{"file", file},
                                       {"digest", made.image.index.digest},
                                       {"architectures", as_json(made.architectures)},
                                       {"notes", as_json(made.notes)}}));
    return cli::exit_ok;
  }
  show_notes(made, err);
  out.line(made.image.index.digest);
  return cli::exit_ok;
}

}  // namespace footman::app
