// Two more users of fields.hpp: golden bytes with the name of each field beside them, and the field tables of
// docs/PROTOCOL.md. What people review is made by the code that runs.
#pragma once

#include <string>

#include "protocol/messages.hpp"

namespace footman::protocol::test {

std::string annotated_hex(const Message& message);            // the whole frame
std::string bytes_of_annotated_hex(const std::string& text);  // back: everything after '#' is left out
std::string field_tables();                                   // Markdown, all messages and structures

}  // namespace footman::protocol::test
