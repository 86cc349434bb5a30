/* Writing XML answers. The reading side is expat's. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

void xml_open(struct buf *b, struct str name);
void xml_close(struct buf *b, struct str name);

/* <name>text</name>, escaped. */
void xml_element(struct buf *b, struct str name, struct str text);

/* Text escaped for element content; characters that XML 1.0 forbids become U+FFFD. */
void xml_text(struct buf *b, struct str text);
