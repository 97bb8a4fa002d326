// Answers. For use inside api, and by others who answer in its words.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/result.hpp"
#include "net/http.hpp"

namespace footman::api {

net::HttpResponse json_response(int status, const boost::json::object& body);
net::HttpResponse text_response(std::string_view content_type, std::string body);
// {"error":{"code","message","field"?,"hint"?}} with the status of its code, as for_clients() tells it.
net::HttpResponse error_response(const base::Error& error);
// The same with a status and code of HTTP's own, such as 405 and "method_not_allowed".
net::HttpResponse error_response(int status, std::string_view code, const base::Error& error);
int status_of(const base::Error& error);
// What is told of an error: of one that is the server's own (500) only its code. What it was stands in the
// log.
base::Error for_clients(base::Error error);
// The error of a rule of the model, with the field's name in the API: "spec.timeout" is "spec.timeout_ms".
base::Error name_api_field(base::Error error);
// Nothing is kept by browsers, and nothing is anything but what its type says.
void add_safety_headers(net::Headers& headers);

}  // namespace footman::api
