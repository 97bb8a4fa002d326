// All rows of a database as text: two databases with the same text hold the same.
#pragma once

#include <string>

#include "store/database.hpp"

namespace footman::store::testing {

// Without the installation's id, which is another one in each, and the note of how the last run ended, which
// every opening changes.
std::string dump(Database& database);
// Of the directory's database, which no store has open.
std::string dump(const std::string& directory);

}  // namespace footman::store::testing
