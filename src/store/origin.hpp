// Whether the database is the one that the last run of this server left here. One that was put back from a
// backup, or that came with a copy of its directory, knows nothing of what the clouds got meanwhile.
//
// The doubt is a sentence that stays in the database, over restarts, until somebody has settled it
// (Store::settle_doubt). What waits in its queue then is in doubt by itself (Store::release_items): that the
// agents have been accounted for does not tell what they ran meanwhile. A database without one says what it
// can: nothing tells a disk that was rolled back as a whole.
#pragma once

#include <string>

#include "store/database.hpp"

namespace footman::store {

struct Origin {
  std::string home;  // what identifies the directory (DirectoryLock::identity); empty: it cannot be told
  bool was_clean = false;  // the last run of this database said good-bye
  bool is_behind = false;  // the file of numbers knows later ones (IdReserve::was_behind)
};

// At the opening. Throws SqlError.
void note_origin(Database& database, const Origin& origin);
// In a copy that is to be put back some day. Throws SqlError.
void mark_as_backup(Database& copy);

}  // namespace footman::store
