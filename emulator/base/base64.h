/* Base64, RFC 4648: the standard alphabet with padding, and the URL-safe one without. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* In @a, NUL-terminated (not counted). */
struct str base64_encode(struct arena *a, struct str data);
struct str base64url_encode(struct arena *a, struct str data);

/* Decodes either alphabet, padding optional, line ends skipped. False, with nothing written, on
 * any other character or an impossible length. */
bool base64_decode(struct arena *a, struct str text, struct str *ret_data);
