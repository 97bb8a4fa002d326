// Signature Version 4, in the Authorization header: what proves to AWS who sends a request. Pure.
// Source: "Signature Version 4 signing process" in the AWS General Reference. The form is that of all
// services but S3: paths are normalised and encoded once more.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/credentials.hpp"
#include "net/http.hpp"

namespace footman::aws {

using Query = std::vector<std::pair<std::string, std::string>>;  // names and values, not encoded

// The request as it will be sent. Intermediaries may change what is not in here.
struct RequestToSign {
  std::string method = "POST";
  std::string host;        // the Host header: "ecs.eu-west-1.amazonaws.com", with the port if it is not 443
  std::string path = "/";  // as sent: percent-encoded, without the query
  Query query;             // sent as format_query() writes it
  net::Headers headers;    // to be signed besides Host, X-Amz-Date and X-Amz-Security-Token
  std::string_view body;
};

// Where a signature counts.
struct SigningScope {
  std::string region;
  std::string service;
};

// Encoded and in order, for the address line and for the signature. Empty without parameters.
std::string format_query(const Query& query);

// "20150830T123600Z"
std::string format_amz_date(Instant instant);

// The headers to be sent besides the request's own: X-Amz-Date, X-Amz-Security-Token (for temporary
// credentials) and Authorization. AWS takes a signature whose time differs from its own by at most 5 minutes.
net::Headers sign(const RequestToSign& request, const SigningScope& scope, const Credentials& credentials,
                  Instant now);

// The first two of the four steps, for tests: what is signed. `headers` are all that are signed.
struct CanonicalRequest {
  std::string text;
  std::string signed_headers;  // "content-type;host;x-amz-date"
};
CanonicalRequest make_canonical_request(const RequestToSign& request, const net::Headers& headers);
// The third: the key for one day, region and service; raw bytes.
Secret derive_signing_key(const Secret& secret_access_key, std::string_view date, const SigningScope& scope);

}  // namespace footman::aws
