// Answers. For use inside api, and by others who answer in its words.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/result.hpp"
#include "net/http.hpp"

namespace footman::api {

net::HttpResponse json_response(int status, const boost::json::object& body);
net::HttpResponse text_response(std::string_view content_type, std::string body);
// {"error":{"code","message","field"?,"hint"?}} with the status of its code.
net::HttpResponse error_response(const base::Error& error);
// The same with a status and code of HTTP's own, such as 405 and "method_not_allowed".
net::HttpResponse error_response(int status, std::string_view code, const base::Error& error);
int status_of(const base::Error& error);
// Nothing is kept by browsers, and nothing is anything but what its type says.
void add_safety_headers(net::Headers& headers);

}  // namespace footman::api
