/* Whole small files. Blocking: for start-up and for a few bytes on a local disk. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* Writes @text to @path in one step (a temporary file beside it, then a rename), so that a reader
 * sees the old or the new content and never a part. Returns 0 or -errno. */
int file_write(const char *path, struct str text, unsigned mode);

/* Reads all of a file of at most @limit bytes; *ret_text in @a. Returns 0, -EFBIG or -errno. */
int file_read(struct arena *a, const char *path, size_t limit, struct str *ret_text);
