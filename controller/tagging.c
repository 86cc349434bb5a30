/* Source: Resource Groups Tagging API Reference 2017-01-26, GetResources. */
#include "tagging.h"

static cJSON *request(const char *type, unsigned page, const struct tag_filter *filters, size_t n)
{
    cJSON *body = cJSON_CreateObject(), *types = json_need_array(body, "ResourceTypeFilters");
    cJSON *list = json_need_array(body, "TagFilters");

    cJSON_AddItemToArray(types, cJSON_CreateString(type));
    if (page > 0)
        json_put_int(body, S("ResourcesPerPage"), page);
    for (size_t i = 0; i < n; i++) {
        cJSON *filter = cJSON_CreateObject(), *values = json_need_array(filter, "Values");

        json_put_str(filter, S("Key"), filters[i].key);
        for (size_t v = 0; v < filters[i].n; v++)
            cJSON_AddItemToArray(values, json_new_str(filters[i].values[v]));
        cJSON_AddItemToArray(list, filter);
    }
    return body;
}

static void collect(struct pass *p, const cJSON *answer, struct tagged_resources *all)
{
    JSON_EACH(mapping, json_get(answer, "ResourceTagMappingList")) {
        struct tagged_resource one = {.arn = arena_str(p->a, json_str(mapping, "ResourceARN"))};

        JSON_EACH(tag, json_get(mapping, "Tags"))
            pairs_put(p->a, &one.tags, arena_str(p->a, json_str(tag, "Key")),
                      arena_str(p->a, json_str(tag, "Value")));
        *LIST_ADD(p->a, all) = one;
    }
}

bool tagging_find(struct pass *p, const char *type, unsigned page, const struct tag_filter *filters,
                  size_t n, struct tagged_resources *ret)
{
    CLEANUP(json_freep) cJSON *body = request(type, page, filters, n);
    struct str token;

    do {
        CLEANUP(aws_answer_free) struct aws_answer answer;

        if (!pass_json(p, AWS_TAGGING, "GetResources", body, &answer))
            return false;
        collect(p, answer.json, ret);
        token = arena_str(p->a, json_str(answer.json, "PaginationToken"));
        json_put_str(body, S("PaginationToken"), token);
    } while (token.n > 0);
    return true;
}
