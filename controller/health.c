/* Source: aws-alb-ingress-controller v1.1.4, internal/aws/healthcheck.go. */
#include "health.h"

#include "klog.h"

static bool ask_query(struct aws_client *aws, struct arena *a, enum aws_service service,
                      const char *action, const char *limit, int64_t most, struct str *ret_error)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = a};
    bool ok;

    query_int(&q, limit, most);
    ok = aws_call_query(aws, a, service, action, &q, &answer);
    *ret_error = answer.error;
    return ok;
}

static bool ask_acm(struct aws_client *aws, struct arena *a, struct str *ret_error)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    CLEANUP(json_freep) cJSON *body = cJSON_CreateObject();
    bool ok;

    json_put_int(body, S("MaxItems"), 1);
    ok = aws_call_json(aws, a, AWS_ACM, "ListCertificates", body, &answer);
    *ret_error = answer.error;
    return ok;
}

bool health_check(struct aws_client *aws, struct arena *a, struct str region, struct str *ret_error)
{
    bool ok = ask_query(aws, a, AWS_EC2, "DescribeTags", "MaxResults", 5, ret_error) &&
              ask_query(aws, a, AWS_IAM, "ListServerCertificates", "MaxItems", 1, ret_error) &&
              (!aws_has_service(AWS_ACM, region) || ask_acm(aws, a, ret_error));

    if (!ok)
        klog_write(KLOG_ERROR, "healthcheck.go:37", "Controller health check failed: %.*s",
                   STR_ARG(*ret_error));
    return ok;
}
