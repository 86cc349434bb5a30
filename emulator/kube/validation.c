/* Validation that every kind shares. Source: Kubernetes "Object Names and IDs". */
#include "kube/validation.h"

void kube_validate(const struct kind *k, const struct kind *stored, const cJSON *old,
                   const cJSON *doc, struct field_errors *errors)
{
    (void)k;
    (void)stored;
    (void)old;
    (void)doc;
    (void)errors;
}
