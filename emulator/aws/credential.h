/* Access keys: how Elbow makes them, and how it knows its own. The last four letters of an id are
 * a check of those before, so that a key that was deleted, or belongs to another world, is told
 * from one that a user made up. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/ids.h"
#include "base/str.h"

/* A new id of 20 characters: "AKIA" or "ASIA" and 16 more. In @a. */
struct str credential_new_id(struct ids *ids, struct arena *a, const char *prefix);

/* Whether some Elbow made @id. */
bool credential_is_ours(struct str id);

/* A secret of 40 characters, and a session token. In @a. */
struct str credential_new_secret(struct ids *ids, struct arena *a);
struct str credential_new_token(struct ids *ids, struct arena *a);
