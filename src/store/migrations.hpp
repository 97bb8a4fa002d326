// The database's layout, as numbered steps: step N brings a database of version N-1 (PRAGMA user_version) to
// version N, in one transaction. Steps that were released never change; a new one is added at the end.
#pragma once

#include <span>

#include "store/database.hpp"

namespace footman::store {

// "FTMN" in the file's header: a Footman database, not somebody else's.
inline constexpr int kApplicationId = 0x46544d4e;

std::span<const char* const> migrations();

// unsupported: the database is of a newer Footman; invalid_argument: it is not Footman's. Changes nothing.
base::Status check_version(Database& database, std::span<const char* const> steps = migrations());
// After check_version.
void migrate(Database& database, std::span<const char* const> steps = migrations());

}  // namespace footman::store
