/* What /healthz asks AWS: one cheap call of each service that a pass can't do without. Waits. */
#pragma once

#include "aws_client.h"

/* False with *ret_error (in @a) when one of them fails; that is logged too. */
bool health_check(struct aws_client *aws, struct arena *a, struct str region,
                  struct str *ret_error);
