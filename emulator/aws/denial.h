/* The words of a denial, and EC2's encoded form of it. */
#pragma once

#include "aws/service.h"

/* "User: … is not authorized to perform: … on resource: … because …". @encoded: as EC2 answers it,
 * with the encoded message behind; other services have none. In the call's arena. */
struct str denial_text(struct call *c, struct str action, struct str resource, struct str reason,
                       bool encoded);

/* What an encoded message says, as JSON. False when it is none. */
bool denial_decode(struct arena *a, struct str message, struct str *ret_json);
