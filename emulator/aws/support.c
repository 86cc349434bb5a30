/* What is there and what is not, for docs/aws-support.md and for tests. */
#include "aws/aws.h"
#include "aws/services.h"

static bool is_handled(const struct aws_service *s, const char *name)
{
    for (size_t i = 0; i < s->op_count; i++)
        if (strcmp(s->ops[i].name, name) == 0)
            return true;
    return false;
}

static cJSON *describe(const struct aws_service *s)
{
    static const char *const protocols[] = {"query", "ec2", "json", "rest-json"};
    const struct aws_model *m = s->model;
    cJSON *one = cJSON_CreateObject(), *operations = json_need_array(one, "operations");

    json_put_str(one, S("service"), str_c(m->name));
    json_put_str(one, S("signing"), str_c(m->signing));
    json_put_str(one, S("version"), str_c(m->version));
    json_put_str(one, S("protocol"), str_c(protocols[m->protocol]));
    for (size_t i = 0; i < m->operation_count; i++) {
        cJSON *operation = cJSON_CreateObject();

        json_put_str(operation, S("name"), str_c(m->operations[i].name));
        json_put_bool(operation, S("handled"), is_handled(s, m->operations[i].name));
        cJSON_AddItemToArray(operations, operation);
    }
    return one;
}

cJSON *aws_operations(void)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < aws_service_count; i++)
        cJSON_AddItemToArray(list, describe(aws_services[i]));
    return list;
}
