/* The services that Elbow serves. */
#include "aws/services.h"

/* <name>_service is defined in <name>.c. */
#define SERVICES(X) \
    X(acm)          \
    X(ec2)          \
    X(eks)          \
    X(elbv2)        \
    X(iam)          \
    X(shield)       \
    X(sts)          \
    X(tagging)      \
    X(waf_regional) \
    X(wafv2)

#define DECLARE(name) extern const struct aws_service name##_service;
SERVICES(DECLARE)

#define ROW(name) &name##_service,
const struct aws_service *const aws_services[] = {SERVICES(ROW)};
const size_t aws_service_count = ARRAY_LEN(aws_services);
