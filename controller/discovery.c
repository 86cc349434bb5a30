/* Discovery by the old, unaggregated form. */
#include "discovery.h"

#include "base/macros.h"

static const struct need {
    const char *version, *kind;
} needs[] = {
    {"extensions/v1beta1", "Ingress"  },
    {"v1",                 "Service"  },
    {"v1",                 "Endpoints"},
    {"v1",                 "Node"     },
    {"v1",                 "Pod"      },
    {"v1",                 "Secret"   },
};

_Static_assert(ARRAY_LEN(needs) <= ARRAY_LEN(((struct discovery *)0)->served), "room for all");

static cJSON *get(struct kube_client *c, struct blocking_http *http, struct arena *a,
                  struct str path, struct kube_answer *ret_answer)
{
    *ret_answer = kube_client_wait(c, http, a, path);
    return ret_answer->ok ? json_parse(ret_answer->body, NULL) : NULL;
}

/* A server that serves one half only, or hides it, is tolerated. */
static bool is_bad(const struct kube_answer *answer)
{
    return !answer->ok && answer->status != 403 && answer->status != 404;
}

static void read_version(struct kube_client *c, struct blocking_http *http, struct arena *a,
                         const char *prefix, struct str version, struct discovery *ret)
{
    struct kube_answer answer;
    struct str path = arena_printf(a, "%s/%.*s?timeout=32s", prefix, STR_ARG(version));
    CLEANUP(json_freep) cJSON *tree = get(c, http, a, path, &answer);

    JSON_EACH(resource, json_get(tree, "resources"))
        for (size_t i = 0; i < ARRAY_LEN(needs); i++)
            ret->served[i] |= str_is(version, needs[i].version) &&
                              str_is(json_str(resource, "kind"), needs[i].kind);
}

bool discovery_run(struct kube_client *c, struct blocking_http *http, struct arena *a,
                   struct discovery *ret, struct str *ret_error)
{
    struct kube_answer core, groups;
    CLEANUP(json_freep) cJSON *old = get(c, http, a, S("/api?timeout=32s"), &core);
    CLEANUP(json_freep) cJSON *new = NULL;

    *ret = (struct discovery){0};
    if (is_bad(&core)) {
        *ret_error = core.error;
        return false;
    }
    new = get(c, http, a, S("/apis?timeout=32s"), &groups);
    if (is_bad(&groups)) {
        *ret_error = groups.error;
        return false;
    }
    JSON_EACH(version, json_get(old, "versions"))
        read_version(c, http, a, "/api", json_text(version), ret);
    JSON_EACH(group, json_get(new, "groups"))
        JSON_EACH(version, json_get(group, "versions"))
            read_version(c, http, a, "/apis", json_str(version, "groupVersion"), ret);
    return true;
}

struct str discovery_missing(struct arena *a, const struct discovery *d)
{
    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (!d->served[i])
            return arena_printf(a, "no matches for kind \"%s\" in version \"%s\"", needs[i].kind,
                                needs[i].version);
    return (struct str){0};
}
