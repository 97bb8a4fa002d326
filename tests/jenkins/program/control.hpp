// /fake/…: what tests do to the program and ask of it, JSON over HTTP. README.md has the table.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins {

// The answer's JSON. `name` is what stands behind /fake/. invalid_argument: a sentence for who wrote the
// test.
base::Result<std::string> ask_control(const FakeJenkins& jenkins, std::string_view name);
base::Result<std::string> tell_control(FakeJenkins& jenkins, std::string_view name, std::string_view body,
                                       base::Instant now);

}  // namespace footman::fake_jenkins
