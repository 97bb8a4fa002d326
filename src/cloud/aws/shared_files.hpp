// The files ~/.aws/config and ~/.aws/credentials that all AWS tools share. Pure.
// Source: "Shared config and credentials files" in the AWS SDKs and Tools Reference Guide; where it leaves
// something open, what the AWS SDK for Java 2 and botocore agree on.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace footman::cloud::aws {

using namespace footman::base;

inline constexpr std::size_t kMaxSharedFileBytes = 1024UL * 1024;

// All values as secrets: some are. Names in lower case.
using Profile = std::map<std::string, Secret, std::less<>>;
using Profiles = std::map<std::string, Profile, std::less<>>;

enum class SharedFile {
  config,       // [default], [profile NAME]; other sections are none of ours
  credentials,  // [NAME]
};

// Lines are "name = value" in a section, comments (# or ; at the beginning, or behind a blank), or begin with
// a blank and go on with the value before. Of two values of one name the last counts. Errors
// (invalid_argument): "FILE:LINE" and what was expected, never what stands there.
Result<Profiles> parse_shared_file(std::string_view text, SharedFile kind, const std::string& file);

// Where both have a value, that of the credentials file counts.
Profiles merge_profiles(Profiles config, const Profiles& credentials);

}  // namespace footman::cloud::aws
