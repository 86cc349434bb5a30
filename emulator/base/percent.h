/* Percent-encoding, RFC 3986 section 2.1. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Decodes %XX, and '+' to a space where @plus. In @a; false with nothing written when a % is not
 * followed by two hex digits. */
bool percent_decode(struct arena *a, struct str s, bool plus, struct str *ret_text);

/* Encodes every byte but RFC 3986's unreserved ones, and '/' where @keep_slash. In @a. */
struct str percent_encode(struct arena *a, struct str s, bool keep_slash);
