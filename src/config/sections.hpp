// The sections of footman.yaml, each from its node of the document to its part of Config.
#pragma once

#include "config/reader.hpp"

namespace footman::config {

void read_server(Reader& reader, const YamlNode& root, Config& out);
// The list `clouds`; the server's keys were read.
void read_clouds(Reader& reader, const YamlNode& root, Config& out);
// The list `jenkins`, and that limits are those of controllers that are there; the clouds were read.
void read_jenkins(Reader& reader, const YamlNode& root, Config& out);
// `above`: of the cloud.
TemplateConfig read_template(Reader& reader, const YamlNode& node, const AgentAddress& above);
// Its size is known.
void read_price(Reader& reader, const YamlNode& node, TemplateConfig& out);
void read_pool(Reader& reader, const YamlNode& node, model::PoolRules& out);

// The section `ecs` of a cloud of that type, and of a template of such a cloud, whose other keys were read.
void read_ecs_cloud(Reader& reader, const YamlNode& node, CloudConfig& out);
void read_ecs_template(Reader& reader, const YamlNode& node, const CloudConfig& cloud, bool is_abstract,
                       TemplateConfig& out);
// What each choice is counted and priced as; the template's own size and price were read.
void read_ecs_offers(const YamlNode& node, const CloudConfig& cloud, TemplateConfig& out);
// The name of the list price of such tasks, which the list may not have; nothing: they are not Fargate's.
std::optional<std::string> find_fargate_price(const CloudConfig& cloud, const ecs::TemplateOptions& options,
                                              const ecs::Choice& choice);

// Of "wss://ci.example.com:8443/x" or "ci.example.com:8443".
struct Authority {
  std::string_view host;                 // IPv6 without brackets
  std::optional<std::string_view> port;  // what stands after its colon
  bool is_bracketed = false;
};
Authority split_authority(std::string_view address);
std::string_view host_of(std::string_view address);
// That the host is a name of DNS or an address.
bool is_host_of(const Authority& authority);
bool is_port(std::string_view text);
// That the value of a key `tunnel` is host:port.
void check_tunnel(Reader& reader, const std::string& tunnel, Position at);
// The keys of an address; those that are not there stay as they are.
void read_address(Reader& reader, const YamlNode& map, AgentAddress& out);
// Why agents on other machines do not reach the server there; nothing: it does not lead to this machine
// itself.
std::optional<std::string> find_loopback(const AgentAddress& address, const Config& server);
// vcpus, memory and budget of a section `limits`.
void read_resources(Reader& reader, const YamlNode& limits, model::AgentLimits& out);
// Of the agents of one label or controller: their number, or a map with the keys of `path`.
void read_group_limits(Reader& reader, const YamlNode& groups, const std::string& name, std::string_view path,
                       std::map<std::string, model::AgentLimits, std::less<>>& out);

}  // namespace footman::config
