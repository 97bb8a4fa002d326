// The console of a build: lines as Jenkins keeps them, with notes that a browser shows as links and a text
// hides or carries along.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/jenkins/http.hpp"

namespace footman::fake_jenkins {

// An invented note with the recorded ones' form; what it is about follows it.
std::string make_note(std::string_view about);

// The whole of it, without notes.
Answer show_console(const std::vector<std::string>& lines);
// What is there from byte `start` of what is kept on. A start beyond the end is as good as none.
Answer show_progressive(const std::vector<std::string>& lines, std::size_t start, bool is_building);

}  // namespace footman::fake_jenkins
