/* What the readers of bodies share. Not for other rooms. */
#pragma once

#include "base/json.h"

/* A number item that keeps all digits of @value. */
cJSON *kube_new_int(int64_t value);

/* The members of @object in byte order of their names, in place. */
void kube_sort_members(cJSON *object);
