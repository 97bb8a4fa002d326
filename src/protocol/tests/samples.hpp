// One filled message of each kind, for the golden bytes and the property tests.
#pragma once

#include <vector>

#include "protocol/messages.hpp"

namespace footman::protocol::test {

std::vector<Message> sample_messages();          // in the order of Message's alternatives
std::vector<Message> sample_session_of_agent();  // a whole connection, Hello to Goodbye
std::vector<Message> sample_session_of_server();

}  // namespace footman::protocol::test
