/* The services that Elbow serves. */
#include "aws/services.h"

const struct aws_service *const aws_services[] = {
    NULL,
};
const size_t aws_service_count = ARRAY_LEN(aws_services) - 1;
