/* The policies that bind a caller: those of the user and its groups or of the role, the boundary,
 * and the session's. Compiled policies are kept: most calls of a controller are judged by the same
 * few documents. Source: IAM User Guide, "Policy evaluation logic". */
#include "aws/principal.h"

#include <stdlib.h>

#include "aws/internal.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "store/iam.h"

enum { MOST_CACHED = 256 };

/* --- compiled policies ----------------------------------------------------------------------- */

struct cached {
    struct policy *policy;
    struct str document; /* its text lies behind the struct */
    char text[];
};

struct policy_cache {
    struct map by_document;
};

static void forget_all(struct policy_cache *cache)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&cache->by_document, &at)) != NULL) {
        struct cached *one = e->value;

        policy_free(one->policy);
        free(one);
    }
    map_free(&cache->by_document);
    cache->by_document = (struct map){0};
}

void policy_cache_free(struct policy_cache *cache)
{
    if (cache == NULL)
        return;
    forget_all(cache);
    free(cache);
}

/* Makes room between two calls, never within one: what a call holds stays. */
void policy_cache_trim(struct aws *aws)
{
    if (aws->policies != NULL && map_count(&aws->policies->by_document) > MOST_CACHED)
        forget_all(aws->policies);
}

struct policy *policy_of_document(struct call *c, struct str document)
{
    struct policy *policy = NULL;
    struct cached *one;
    struct str why;

    if (c->aws->policies == NULL)
        c->aws->policies = xcalloc(sizeof *c->aws->policies);
    one = map_get(&c->aws->policies->by_document, document);
    if (one != NULL)
        return one->policy;
    if (!policy_parse(c->arena, document, POLICY_IDENTITY, &policy, &why))
        return NULL;
    one = xcalloc(sizeof *one + document.n + 1);
    memcpy(one->text, document.at, document.n);
    one->policy = policy;
    one->document = str_n(one->text, document.n);
    (void)map_put(&c->aws->policies->by_document, one->document, one);
    return policy;
}

/* --- whose policies -------------------------------------------------------------------------- */

int policies_of_entity(struct call *c, const struct iam_entity *e, struct policy_set *ret_set)
{
    struct iam_inline *first = NULL;
    struct str boundary = {0};
    struct policy **list;
    size_t n = 0;
    int r = iam_document_list(c->store, c->arena, e, &first, &boundary);

    if (r < 0)
        return r;
    for (const struct iam_inline *i = first; i != NULL; i = i->next)
        n++;
    list = arena_array(c->arena, n, sizeof *list);
    *ret_set = (struct policy_set){.identity = list};
    for (const struct iam_inline *i = first; i != NULL; i = i->next) {
        struct policy *policy = policy_of_document(c, i->document);

        if (policy != NULL)
            list[ret_set->identity_count++] = policy;
    }
    if (boundary.n > 0)
        ret_set->boundary = policy_of_document(c, boundary);
    return 0;
}

static void add_session(struct call *c, const struct iam_session *x, struct policy_set *set)
{
    CLEANUP(json_freep) cJSON *documents = json_parse(x->policies, NULL);
    struct policy **list =
        arena_array(c->arena, (size_t)cJSON_GetArraySize(documents), sizeof *list);

    set->session = list;
    JSON_EACH(document, documents) {
        struct policy *policy = policy_of_document(c, json_text(document));

        if (policy != NULL)
            list[set->session_count++] = policy;
    }
}

int policies_of_caller(struct call *c, struct policy_set *ret_set)
{
    const struct iam_session *x = c->identity.session;
    enum iam_kind kind = x != NULL ? x->kind : IAM_USER;
    struct str name = x != NULL ? x->entity : c->identity.name;
    struct iam_entity *e = NULL;
    int r = iam_entity_find(c->store, c->arena, kind, c->account, name, &e);

    *ret_set = (struct policy_set){0};
    if (r == 0 && e != NULL)
        r = policies_of_entity(c, e, ret_set);
    if (r == 0 && x != NULL && x->policies.n > 0)
        add_session(c, x, ret_set);
    return r;
}
