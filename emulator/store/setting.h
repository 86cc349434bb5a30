/* Settings and secrets of the world that belong to no API: keys, seeds, the layout's version.
 * A name is a path ("ca/key", "cluster/sample/signing-key"); a value is any text. */
#pragma once

#include "store/store.h"

extern const char setting_schema_1[];

/* *ret_value in @a; empty when there is none. 0 or a negative error of the store. */
int setting_get(struct store *s, struct arena *a, struct str name, struct str *ret_value);

/* Sets or replaces one value, inside the caller's transaction; announces CHANGE_SETTING. */
int setting_put(struct store *s, struct str name, struct str value);

/* Removes one value; no error when there is none. */
int setting_remove(struct store *s, struct str name);
