// What module aws holds, which the agent has too, by the names it has among those who call AWS.
#pragma once

#include "aws/credentials.hpp"
#include "aws/metadata.hpp"
#include "aws/outside.hpp"
#include "aws/sigv4.hpp"

namespace footman::cloud::aws {

using namespace footman::base;

using footman::aws::check_credentials;
using footman::aws::ContainerEndpoint;
using footman::aws::Credentials;
using footman::aws::CredentialsSource;
using footman::aws::Environment;
using footman::aws::fetch_container_credentials;
using footman::aws::fetch_instance_credentials;
using footman::aws::find_container_endpoint;
using footman::aws::find_instance_endpoint;
using footman::aws::format_query;
using footman::aws::make_sender;
using footman::aws::metadata_http;
using footman::aws::Outside;
using footman::aws::parse_credentials_answer;
using footman::aws::Query;
using footman::aws::ReadFile;
using footman::aws::RequestToSign;
using footman::aws::SendHttp;
using footman::aws::service_http;
using footman::aws::sign;
using footman::aws::SigningScope;

}  // namespace footman::cloud::aws
