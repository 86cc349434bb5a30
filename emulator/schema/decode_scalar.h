/* One value from its text; for the codecs only. */
#pragma once

#include "schema/codec.h"

/* Reads @text into the member of @row. A text that is no such value is noted under @path and
 * leaves the member absent. */
void decode_scalar(struct arena *a, const struct shape_row *row, void *member, struct str text,
                   struct str path, struct problems *p);

void problem_note(struct arena *a, struct problems *p, enum problem_kind kind, struct str member,
                  struct str value, struct str constraint);
