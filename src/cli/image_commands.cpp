// image push, image save: the image that carries the agent. The program brings what makes and sends it
// (Programs).
#include <fmt/format.h>

#include "cli/context.hpp"
#include "cli/groups.hpp"

namespace footman::cli {
namespace {

ImageOptions read_image_options(const Arguments& arguments) {
  ImageOptions options;
  options.agents = arguments.list("agent");
  options.architectures = arguments.list("arch");
  options.json = arguments.has("json");
  return options;
}

Result<int> push_image(Context& context, const Arguments& arguments) {
  PushOptions options;
  options.image = read_image_options(arguments);
  options.repository = arguments.text("REPOSITORY");
  options.user = arguments.text("user");
  options.password_file = arguments.text("password-file");
  options.ca_file = arguments.text("ca-file");
  options.plain_http = arguments.has("plain-http");
  return context.programs.push_image(options, context.out, context.err);
}

Result<int> save_image(Context& context, const Arguments& arguments) {
  return context.programs.save_image(read_image_options(arguments), arguments.text("FILE"), context.out,
                                     context.err);
}

std::vector<Option> with_image_options(std::vector<Option> options) {
  options.insert(options.begin(), {{"agent", 0, Value::file, "FILE",
                                    "a footman-agent to put in; else footman-agent, footman-agent-amd64 and "
                                    "footman-agent-arm64 beside footman",
                                    true},
                                   {"arch",
                                    0,
                                    Value::text,
                                    "ARCH",
                                    "for this architecture alone; without it for all that there are",
                                    true,
                                    {"amd64", "arm64"}}});
  return options;
}

Command push_command() {
  return {
      "push",
      "make the image that carries the agent, and push it to a registry",
      "Needs no container engine. Prints the image's name with its digest, which is what belongs in the\n"
      "configuration: agent: {carrier_image: …}. What the registry has is not sent again.\n"
      "\n"
      "Who you are to the registry: --user and --password-file, or FOOTMAN_REGISTRY_USER and\n"
      "FOOTMAN_REGISTRY_PASSWORD; for ECR, AWS' usual chain of credentials; else what docker login has "
      "stored in\n"
      "config.json of DOCKER_CONFIG or ~/.docker. A password is never an argument.",
      {{"footman image push 123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1", "to ECR"},
       {"footman image push registry.example.com/ci/footman-agent --user ci --password-file "
        "/run/secrets/registry",
        ""}},
      with_image_options(
          {{"user", 0, Value::text, "NAME", "who you are to the registry"},
           {"password-file", 0, Value::file, "FILE", "with --user: the file that holds the password"},
           {"ca-file", 0, Value::file, "FILE", "PEM file with the authority of the registry's certificate"},
           {"plain-http", 0, Value::none, "", "without TLS: for a registry of this machine only"}}),
      {{"REPOSITORY", "HOST/NAME[:TAG]; without a tag: latest"}},
      {},
      push_image};
}

}  // namespace

Command image_commands() {
  return {"image",
          "the image that carries the agent into other images",
          "",
          {{"footman image push 123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1",
            "push it to a registry"}},
          {},
          {},
          {push_command(),
           {"save",
            "make the same image, and write it to a file",
            "An OCI image layout in a tar archive, which skopeo and other tools read as oci-archive.",
            {{"footman image save footman-agent.tar",
              "then: skopeo copy --all oci-archive:footman-agent.tar docker://…"}},
            with_image_options({}),
            {{"FILE", "a new file", Value::file}},
            {},
            save_image}}};
}

}  // namespace footman::cli
