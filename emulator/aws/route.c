/* Which service a request is for. Source: reference aws-eks-iam-ec2 section 1.1: one listener
 * serves every service, routed by the credential scope and, without one, by what else there is. */
#include "aws/services.h"

/* "ec2" of "ec2.ap-northeast-1.amazonaws.com"; "api.ecr" and its like are no services here. */
static struct str host_service(struct str host)
{
    struct str first, rest;

    if (str_find(host, S(".amazonaws.com")) == STR_NONE || !str_cut(host, '.', &first, &rest))
        return (struct str){0};
    return first;
}

static struct str form_text(const struct form *form, struct str name)
{
    struct str value = {0};

    (void)form_get(form, name, &value);
    return value;
}

/* Two services may share a signing name (elasticloadbalancing): the version tells them apart. */
static const struct aws_service *by_name(struct str name, struct str version)
{
    const struct aws_service *found = NULL;

    for (size_t i = 0; name.n > 0 && i < aws_service_count; i++) {
        const struct aws_model *m = aws_services[i]->model;

        if (!str_is(name, m->signing))
            continue;
        if (version.n == 0 || str_is(version, m->version) || m->protocol == AWS_JSON ||
            m->protocol == AWS_REST_JSON)
            return aws_services[i];
        found = m->protocol == AWS_EC2_QUERY ? aws_services[i] : found;
    }
    return found;
}

/* "Prefix" of "Prefix.Operation". */
static const struct aws_service *by_target(struct str target)
{
    size_t dot = str_rchr(target, '.');

    for (size_t i = 0; dot != STR_NONE && i < aws_service_count; i++) {
        const char *prefix = aws_services[i]->model->target;

        if (prefix != NULL && str_is(str_first(target, dot), prefix))
            return aws_services[i];
    }
    return NULL;
}

static bool has_operation(const struct aws_model *m, struct str name)
{
    for (size_t i = 0; i < m->operation_count; i++)
        if (str_is(name, m->operations[i].name))
            return true;
    return false;
}

static const struct aws_service *by_action(struct str action, struct str version)
{
    for (size_t i = 0; action.n > 0 && i < aws_service_count; i++) {
        const struct aws_model *m = aws_services[i]->model;

        if ((m->protocol == AWS_QUERY || m->protocol == AWS_EC2_QUERY) &&
            str_is(version, m->version) && has_operation(m, action))
            return aws_services[i];
    }
    return NULL;
}

static const struct aws_service *by_path(const struct http_request *r)
{
    for (size_t i = 0; i < aws_service_count; i++) {
        const struct aws_model *m = aws_services[i]->model;

        for (size_t k = 0; m->protocol == AWS_REST_JSON && k < m->operation_count; k++)
            if (str_is(r->method, m->operations[k].method) &&
                rest_path_matches(m->operations[k].uri, r->path))
                return aws_services[i];
    }
    return NULL;
}

const struct aws_service *aws_route(struct arena *a UNUSED, const struct http_request *r,
                                    struct str scope_service, const struct form *form,
                                    struct str *ret_name)
{
    struct str version = form_text(form, S("Version")), action = form_text(form, S("Action"));
    struct str host = host_service(r->host);
    struct str target = http_header_get(r->headers, S("X-Amz-Target"));
    const struct aws_service *s = by_name(scope_service, version);

    if (s == NULL && scope_service.n == 0)
        s = by_target(target);
    if (s == NULL && scope_service.n == 0)
        s = by_name(host, version);
    if (s == NULL && scope_service.n == 0)
        s = by_action(action, version);
    if (s == NULL && scope_service.n == 0 && host.n == 0 && action.n == 0 && target.n == 0)
        s = by_path(r);
    *ret_name = scope_service.n > 0 ? scope_service : host.n > 0 ? host : target;
    return s;
}
