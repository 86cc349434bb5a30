/* Certificates by ACM, where no annotation names them: each host must have exactly one. What a
 * certificate stands for is remembered, for an imported one only a minute, because it may be
 * imported anew. Source: v1.1.4, internal/alb/ls/cert_discovery.go. */
#include <stdlib.h>
#include <uv.h>

#include "base/map.h"
#include "base/memory.h"
#include "go_text.h"
#include "pass.h"

enum { IMPORTED_KEEP_MS = 60 * 1000 };

struct known {
    char *arn;
    char *domains;    /* comma-separated */
    int64_t until_ms; /* 0: for ever */
};

struct cert_cache {
    const struct clock *clock;
    uv_mutex_t lock;
    struct map known; /* arn -> struct known */
};

struct cert_cache *cert_cache_new(const struct clock *clock)
{
    struct cert_cache *c = xcalloc(sizeof *c);

    c->clock = clock;
    uv_mutex_init(&c->lock);
    return c;
}

static void known_free(struct known *k)
{
    if (k == NULL)
        return;
    free(k->arn);
    free(k->domains);
    free(k);
}

void cert_cache_free(struct cert_cache *c)
{
    size_t at = 0;
    struct map_entry *e;

    if (c == NULL)
        return;
    while ((e = map_next(&c->known, &at)) != NULL)
        known_free(e->value);
    map_free(&c->known);
    uv_mutex_destroy(&c->lock);
    free(c);
}

static bool recall(struct cert_cache *c, struct arena *a, struct str arn, struct strs *ret_domains)
{
    const struct known *k;
    bool good;

    uv_mutex_lock(&c->lock);
    k = map_get(&c->known, arn);
    good = k != NULL && (k->until_ms == 0 || clock_now(c->clock) < k->until_ms);
    if (good)
        *ret_domains = strs_split(a, arena_str(a, str_c(k->domains)));
    uv_mutex_unlock(&c->lock);
    return good;
}

static void remember(struct cert_cache *c, struct arena *a, struct str arn,
                     const struct strs *domains, int64_t keep_ms)
{
    struct known *k = xcalloc(sizeof *k);

    k->arn = xstrdup(arena_cstr(a, arn));
    k->domains = xstrdup(arena_cstr(a, strs_join(a, domains, ",")));
    uv_mutex_lock(&c->lock);
    k->until_ms = keep_ms == 0 ? 0 : clock_now(c->clock) + keep_ms;
    known_free(map_remove(&c->known, arn));
    map_put(&c->known, str_c(k->arn), k);
    uv_mutex_unlock(&c->lock);
}

static bool list_certificates(struct pass *p, struct strs *ret_arns)
{
    CLEANUP(json_freep) cJSON *body = cJSON_CreateObject();
    struct str token;

    cJSON_AddItemToArray(json_need_array(body, "CertificateStatuses"),
                         cJSON_CreateString("ISSUED"));
    do {
        CLEANUP(aws_answer_free) struct aws_answer answer;

        if (!pass_json(p, AWS_ACM, "ListCertificates", body, &answer))
            return false;
        JSON_EACH(item, json_get(answer.json, "CertificateSummaryList"))
            strs_add(p->a, ret_arns, arena_str(p->a, json_str(item, "CertificateArn")));
        token = arena_str(p->a, json_str(answer.json, "NextToken"));
        json_put_str(body, S("NextToken"), token);
    } while (token.n > 0);
    return true;
}

static bool find_domains(struct pass *p, struct str arn, struct strs *ret_domains)
{
    CLEANUP(json_freep) cJSON *body = cJSON_CreateObject();
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct str type;

    if (recall(p->certificates, p->a, arn, ret_domains))
        return true;
    json_put_str(body, S("CertificateArn"), arn);
    if (!pass_json(p, AWS_ACM, "DescribeCertificate", body, &answer))
        return false;
    JSON_EACH(name, json_get(answer.json, "Certificate.SubjectAlternativeNames"))
        strs_add(p->a, ret_domains, arena_str(p->a, json_text(name)));
    type = json_str(answer.json, "Certificate.Type");
    if (str_is(type, "AMAZON_ISSUED") || str_is(type, "PRIVATE"))
        remember(p->certificates, p->a, arn, ret_domains, 0);
    else if (str_is(type, "IMPORTED"))
        remember(p->certificates, p->a, arn, ret_domains, IMPORTED_KEEP_MS);
    return true;
}

/* "*.example.com" stands for one label in front, whatever it is. */
static bool matches(struct str domain, struct str host)
{
    size_t dot = str_chr(host, '.');

    if (!str_starts(domain, S("*.")))
        return str_eq(domain, host);
    return dot != STR_NONE && str_eq(str_from(domain, 1), str_from(host, dot));
}

static bool matches_any(const struct strs *domains, struct str host)
{
    for (size_t i = 0; i < domains->n; i++)
        if (matches(domains->at[i], host))
            return true;
    return false;
}

bool certificates_discover(struct pass *p, struct strs *ret_arns)
{
    const struct strs *hosts = &p->wanted->hosts;
    struct strs arns = {0}, chosen = {0}, *domains;

    if (!list_certificates(p, &arns))
        return false;
    domains = arena_array(p->a, arns.n, sizeof *domains);
    for (size_t i = 0; i < arns.n; i++)
        if (!find_domains(p, arns.at[i], &domains[i]))
            return false;
    for (size_t h = 0; h < hosts->n; h++) {
        struct strs fitting = {0};
        struct str shown;

        for (size_t i = 0; i < arns.n; i++)
            if (matches_any(&domains[i], hosts->at[h]))
                strs_add(p->a, &fitting, arns.at[i]);
        fitting = strs_set(p->a, &fitting);
        shown = go_list(p->a, &fitting);
        if (fitting.n > 1)
            return pass_fail(p, "multiple certificate found for host: %.*s, certARNs: %.*s",
                             STR_ARG(hosts->at[h]), STR_ARG(shown));
        if (fitting.n == 0)
            return pass_fail(p, "none certificate found for host: %.*s", STR_ARG(hosts->at[h]));
        strs_add(p->a, &chosen, fitting.at[0]);
    }
    *ret_arns = strs_set(p->a, &chosen);
    return true;
}
