/* Lists and watches: pages of one state, resourceVersion rules, streaming lists, what was
 * forgotten. Source: Kubernetes API Concepts; kubernetes-api.md §3.2, §3.4. */
#include "api.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

static void make(struct api *w, const char *name, const char *data)
{
    struct arena a = {0};
    struct str body = arena_printf(
        &a, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"n\":\"%s\"}},\"data\":{\"v\":\"%s\"}}",
        name, name, data);

    api_do(w, "POST", MAPS, body.at, 201);
    arena_free(&a);
}

static struct str names_of(struct api *w, const cJSON *list)
{
    struct str all = {0};

    JSON_EACH(item, json_get(list, "items"))
        all = arena_printf(&w->arena, "%.*s%s%.*s", STR_ARG(all), all.n > 0 ? " " : "",
                           STR_ARG(json_str(item, "metadata.name")));
    return all;
}

TEST(pages_show_one_state)
{
    cJSON *first, *second;
    struct str next, rv;
    struct api w;

    api_open(&w);
    make(&w, "a", "1");
    make(&w, "b", "1");
    make(&w, "c", "1");
    first = api_doc(&w, "GET", MAPS "?limit=2", NULL, 200);
    CHECK_STR("the first two", names_of(&w, first), S("a b"));
    CHECK("one is behind", json_int(first, "metadata.remainingItemCount", 0) == 1);
    next = json_str(first, "metadata.continue");
    rv = json_str(first, "metadata.resourceVersion");
    make(&w, "bb", "2");
    api_do(&w, "DELETE", MAPS "/c", NULL, 200);
    second =
        api_doc(&w, "GET", arena_printf(&w.arena, MAPS "?limit=2&continue=%.*s", STR_ARG(next)).at,
                NULL, 200);
    CHECK_STR("the rest of then", names_of(&w, second), S("c"));
    CHECK_STR("at the version of then", json_str(second, "metadata.resourceVersion"), rv);
    CHECK("no more", json_get(second, "metadata.continue") == NULL);
    cJSON_Delete(second);
    CHECK("forgotten", objects_compact(w.objects, objects_rv(w.objects)) == 0);
    make(&w, "d", "3");
    second =
        api_doc(&w, "GET", arena_printf(&w.arena, MAPS "?limit=2&continue=%.*s", STR_ARG(next)).at,
                NULL, 410);
    CHECK_STR("expired", json_str(second, "reason"), S("Expired"));
    cJSON_Delete(second);
    cJSON_Delete(first);
    api_close(&w);
}

static const struct {
    const char *label, *query;
    int status;
    const char *message;
} rules[] = {
    {"any version",               "resourceVersion=0",                                   200, NULL                                   },
    {"not older than",            "resourceVersion=1&resourceVersionMatch=NotOlderThan", 200, NULL                                   },
    {"a match needs a version",   "resourceVersionMatch=Exact",                          422,
     "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is "
     "provided"                                                                                                                      },
    {"nothing is exactly any",    "resourceVersion=0&resourceVersionMatch=Exact",        422,
     "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for "
     "resourceVersion \"0\""                                                                                                         },
    {"a match is one of two",     "resourceVersion=1&resourceVersionMatch=Newest",       422,
     "resourceVersionMatch: Unsupported value: \"Newest\": supported values: \"Exact\", "
     "\"NotOlderThan\", \"\""                                                                                                        },
    {"the future",                "resourceVersion=999999",                              504,
     "Timeout: Too large resource version: 999999, current: "                                                                        },
    {"no version",                "resourceVersion=x",                                   400, "resourceVersion: Invalid value: \"x\""},
    {"lists do not stream",       "sendInitialEvents=true",                              422,
     "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"                                                         },
    {"streams say not older",     "watch=true&sendInitialEvents=true",                   422,
     "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
     "NotOlderThan"                                                                                                                  },
    {"a selector that is none",   "labelSelector=a%20b",                                 400, "unable to parse requirement"          },
    {"a field that nobody knows", "fieldSelector=spec.x%3Dy",                            400,
     "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""                                      },
    {"a broken token",            "continue=!!",                                         400, ""                                     },
};

TEST(what_may_be_asked)
{
    struct api w;

    api_open(&w);
    CASE_EACH(c, rules) {
        struct arena a = {0};
        cJSON *doc = api_doc(&w, "GET", arena_printf(&a, MAPS "?%s", c->query).at, NULL, c->status);

        if (c->message != NULL)
            CHECK(c->label, str_find(json_str(doc, "message"), str_c(c->message)) != STR_NONE);
        cJSON_Delete(doc);
        arena_free(&a);
    }
    api_close(&w);
}

TEST(exactly_then)
{
    struct str rv;
    cJSON *list;
    struct api w;

    api_open(&w);
    make(&w, "a", "1");
    rv = arena_printf(&w.arena, "%lld", (long long)objects_rv(w.objects));
    make(&w, "b", "1");
    list = api_doc(
        &w, "GET",
        arena_printf(&w.arena, MAPS "?resourceVersion=%.*s&resourceVersionMatch=Exact", STR_ARG(rv))
            .at,
        NULL, 200);
    CHECK_STR("the state of then", names_of(&w, list), S("a"));
    CHECK_STR("its version", json_str(list, "metadata.resourceVersion"), rv);
    cJSON_Delete(list);
    api_close(&w);
}

/* The types (and names) of a stream's events. */
static struct str events_of(struct api *w, struct reply *r)
{
    struct str rest = buf_str(&r->body), line, all = {0};

    while (str_next(&rest, '\n', &line)) {
        cJSON *event = json_parse(line, NULL);
        struct str end = json_text(json_member(json_get(event, "object.metadata.annotations"),
                                               S("k8s.io/initial-events-end")));

        all = arena_printf(&w->arena, "%.*s%s%.*s %.*s%s", STR_ARG(all), all.n > 0 ? ", " : "",
                           STR_ARG(json_str(event, "type")),
                           STR_ARG(json_str(event, "object.metadata.name")),
                           end.n > 0 ? "(end)" : "");
        cJSON_Delete(event);
    }
    return all;
}

TEST(watches)
{
    struct reply *now, *from, *some, *listed;
    struct api w;

    api_open(&w);
    make(&w, "a", "1");
    now = api_ask(&w, "GET", MAPS "?watch=true", NULL);
    from = api_ask(&w, "GET",
                   arena_printf(&w.arena, MAPS "?watch=true&resourceVersion=%lld",
                                (long long)objects_rv(w.objects))
                       .at,
                   NULL);
    some = api_ask(&w, "GET", MAPS "?watch=true&labelSelector=n%3Db", NULL);
    listed = api_ask(&w, "GET",
                     MAPS "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
                          "allowWatchBookmarks=true",
                     NULL);
    make(&w, "b", "1");
    api_do(&w, "DELETE", MAPS "/a", NULL, 200);
    cJSON_Delete(api_doc(&w, "PUT", MAPS "/b",
                         "{\"metadata\":{\"name\":\"b\",\"labels\":{\"n\":\"c\"}}}", 200));
    CHECK_STR("all, then changes", events_of(&w, now),
              S("ADDED a, ADDED b, DELETED a, MODIFIED b"));
    CHECK_STR("changes from there", events_of(&w, from), S("ADDED b, DELETED a, MODIFIED b"));
    CHECK_STR("in and out of a selection", events_of(&w, some), S("ADDED b, DELETED b"));
    CHECK_STR("a list that streams", events_of(&w, listed),
              S("ADDED a, BOOKMARK (end), ADDED b, DELETED a, MODIFIED b"));
    reply_free(now);
    reply_free(from);
    reply_free(some);
    reply_free(listed);
    api_close(&w);
}

TEST(a_watch_from_too_long_ago)
{
    struct reply *r;
    struct api w;

    api_open(&w);
    make(&w, "a", "1");
    CHECK("forgotten", objects_compact(w.objects, objects_rv(w.objects)) == 0);
    make(&w, "b", "1");
    r = api_ask(&w, "GET", MAPS "?watch=true&resourceVersion=1", NULL);
    CHECK("the stream is over", r->ended);
    CHECK("it said why",
          str_find(buf_str(&r->body), S("\"type\":\"ERROR\"")) != STR_NONE &&
              str_find(buf_str(&r->body), S("too old resource version: 1 (")) != STR_NONE &&
              str_find(buf_str(&r->body), S("\"reason\":\"Expired\",\"code\":410")) != STR_NONE);
    reply_free(r);
    api_close(&w);
}
TEST_MAIN(T(pages_show_one_state), T(what_may_be_asked), T(exactly_then), T(watches),
          T(a_watch_from_too_long_ago))
