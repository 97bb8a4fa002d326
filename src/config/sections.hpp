// The sections of footman.yaml, each from its node of the document to its part of Config.
#pragma once

#include "config/reader.hpp"

namespace footman::config {

void read_server(Reader& reader, const YamlNode& root, Config& out);
// The list `clouds`; the server's keys were read.
void read_clouds(Reader& reader, const YamlNode& root, Config& out);
// `above`: of the cloud.
TemplateConfig read_template(Reader& reader, const YamlNode& node, const AgentAddress& above);
void read_pool(Reader& reader, const YamlNode& node, model::PoolRules& out);

// The keys of an address; those that are not there stay as they are.
void read_address(Reader& reader, const YamlNode& map, AgentAddress& out);
// vcpus, memory and budget of a section `limits`.
void read_resources(Reader& reader, const YamlNode& limits, model::ResourceLimits& out);

}  // namespace footman::config
