/* IAM: the table of its operations. Their handlers lie in the iam_*.c files. */
#include "aws/iam.h"
#include "aws/iam_operations.h"
#include "aws/services.h"

#define ROW(name, handler, resource, flags) {#name, iam_##handler, resource, flags},
static const struct aws_op ops[] = {IAM_OPERATIONS(ROW)};

const struct aws_service iam_service = AWS_SERVICE(iam, "iam", ops);
