// What a test needs of the machine beyond the build: a program, being root.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

namespace footman::base::tests {

// False: the test cannot run here and returns. It says so; with FOOTMAN_TEST_REQUIRE_ALL=1 (as .ci/run sets
// it) it has failed, so that no test is left out without anybody seeing it.
inline bool machine_has(bool there, const std::string& what) {
  if (there) return true;
  const char* all = std::getenv("FOOTMAN_TEST_REQUIRE_ALL");
  if (all != nullptr && std::string(all) == "1")
    FAIL_CHECK("this machine needs " << what);
  else
    MESSAGE("this machine needs " << what << ": not run");
  return false;
}

}  // namespace footman::base::tests
