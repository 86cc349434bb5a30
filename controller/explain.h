/* What --explain prints: for one Ingress, what a pass would make of it and why. Pure: no call of
 * AWS is needed, and none is made. */
#pragma once

#include "base/buf.h"
#include "objects.h"
#include "settings.h"

/* Writes the account of the Ingress @key ("namespace/name") to @out. False when there is none, or
 * when it can't be built; the text says so. */
bool explain_ingress(struct buf *out, const struct settings *s, const struct objects *o,
                     struct str key);
