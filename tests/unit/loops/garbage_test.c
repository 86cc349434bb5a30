/* The garbage collector: its rules as a table, then over a store. */
#include "loops/garbage_plan.h"

#include "world.h"

#define L OWNER_LIVES
#define G OWNER_GONE
#define W OWNER_WAITING

/* Source: pkg/controller/garbagecollector, attemptToDeleteItem. */
static const struct {
    const char *label;
    enum owner_state owners[3];
    size_t owners_n;
    bool deleting, foreground, orphan;
    size_t dependents, blocking;
    bool circle;
    enum garbage_action want;
} plans[] = {
    {"nobody owns it",                         {0},    0, false, false, false, 0, 0, false, GARBAGE_NONE             },
    {"its owner lives",                        {L},    1, false, false, false, 0, 0, false, GARBAGE_NONE             },
    {"its owner is gone",                      {G},    1, false, false, false, 0, 0, false, GARBAGE_DELETE           },
    {"all of its owners are gone",             {G, G}, 2, false, false, false, 3, 3, false, GARBAGE_DELETE           },
    {"one owner of two is gone",               {L, G}, 2, false, false, false, 0, 0, false, GARBAGE_DROP_REFS        },
    {"one of two waits",                       {W, L}, 2, false, false, false, 1, 1, false, GARBAGE_DROP_REFS        },
    {"its owner waits for it",                 {W},    1, false, false, false, 0, 0, false, GARBAGE_DELETE           },
    {"and it has dependents itself",
     {W},
     1,                                                   false,
     false,                                                             false,
     2,                                                                           1,
     false,                                                                                 GARBAGE_DELETE_FOREGROUND},
    {"in a circle somebody must not wait",
     {W},
     1,                                                   false,
     false,                                                             false,
     1,                                                                           1,
     true,                                                                                  GARBAGE_UNBLOCK          },
    {"gone and waiting: foreground wins",
     {G, W},
     2,                                                   false,
     false,                                                             false,
     1,                                                                           1,
     false,                                                                                 GARBAGE_DELETE_FOREGROUND},
    {"it wants to orphan its own",             {G},    1, false, false, true,  1, 0, false, GARBAGE_DELETE_ORPHAN    },
    {"it wants to wait for its own",
     {G},
     1,                                                   false,
     true,                                                              false,
     1,                                                                           1,
     false,                                                                                 GARBAGE_DELETE_FOREGROUND},
    {"deleted, without a finalizer of ours",   {G},    1, true,  false, false, 1, 1, false, GARBAGE_NONE             },
    {"deleted in the foreground, blocked",
     {0},
     0,                                                   true,
     true,                                                              false,
     2,                                                                           1,
     false,                                                                                 GARBAGE_DELETE_DEPENDENTS},
    {"deleted in the foreground, not blocked",
     {0},
     0,                                                   true,
     true,                                                              false,
     2,                                                                           0,
     false,                                                                                 GARBAGE_END_FOREGROUND   },
    {"deleted, its dependents live on",
     {0},
     0,                                                   true,
     false,                                                             true,
     2,                                                                           2,
     false,                                                                                 GARBAGE_ORPHAN_DEPENDENTS},
};

TEST(the_rules)
{
    CASE_EACH(c, plans) {
        struct garbage_view v = {.owners = c->owners,
                                 .owners_n = c->owners_n,
                                 .deleting = c->deleting,
                                 .foreground = c->foreground,
                                 .orphan = c->orphan,
                                 .dependents = c->dependents,
                                 .blocking_dependents = c->blocking,
                                 .dependent_waits = c->circle};

        CHECK(c->label, garbage_plan(&v) == c->want);
    }
}

/* --- over a store ----------------------------------------------------------------------------- */

static void have_map(struct world *w, const char *ns, const char *name, const char *owners)
{
    have(w, "configmaps",
         arena_printf(&w->arena,
                      "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\","
                      "\"namespace\":\"%s\",\"ownerReferences\":[%s]}}",
                      name, ns, owners)
             .at);
}

/* A reference to ConfigMap @name of namespace ns. */
static const char *ref(struct world *w, const char *name, bool blocks)
{
    return arena_printf(&w->arena,
                        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"%s\",\"uid\":"
                        "\"%.*s\",\"blockOwnerDeletion\":%s}",
                        name, STR_ARG(get(w, "configmaps", "ns", name)->uid),
                        blocks ? "true" : "false")
        .at;
}

static bool there(struct world *w, const char *name)
{
    return get(w, "configmaps", "ns", name) != NULL;
}

static int refs_of(struct world *w, const char *name)
{
    return cJSON_GetArraySize(
        json_get(object_doc(get(w, "configmaps", "ns", name)), "metadata.ownerReferences"));
}

/* owner <- child <- grandchild */
static void have_family(struct world *w)
{
    open_world(w);
    settle(w);
    have_map(w, "ns", "owner", "");
    have_map(w, "ns", "child", ref(w, "owner", true));
    have_map(w, "ns", "grandchild", ref(w, "child", true));
    settle(w);
    CHECK("all live", there(w, "owner") && there(w, "child") && there(w, "grandchild"));
}

TEST(in_the_background_dependents_follow)
{
    struct world w;

    have_family(&w);
    drop(&w, "configmaps", "ns", "owner", "{\"propagationPolicy\":\"Background\"}");
    CHECK("the owner goes at once", !there(&w, "owner") && there(&w, "child"));
    settle(&w);
    CHECK("then the others", !there(&w, "child") && !there(&w, "grandchild"));
    close_world(&w);
}

TEST(in_the_foreground_the_owner_goes_last)
{
    struct world w;

    have_family(&w);
    drop(&w, "configmaps", "ns", "owner", "{\"propagationPolicy\":\"Foreground\"}");
    CHECK("it waits", there(&w, "owner"));
    change(&w, "configmaps", "ns", "grandchild", "",
           "{\"metadata\":{\"finalizers\":[\"example.com/mine\"]}}");
    settle(&w);
    CHECK("for all that holds on", there(&w, "owner") && there(&w, "child"));
    change(&w, "configmaps", "ns", "grandchild", "", "{\"metadata\":{\"finalizers\":null}}");
    settle(&w);
    CHECK("then all go", !there(&w, "owner") && !there(&w, "child") && !there(&w, "grandchild"));
    close_world(&w);
}

TEST(dependents_that_do_not_block_are_not_waited_for)
{
    struct world w;

    open_world(&w);
    settle(&w);
    have_map(&w, "ns", "owner", "");
    have_map(&w, "ns", "child", ref(&w, "owner", false));
    change(&w, "configmaps", "ns", "child", "", "{\"metadata\":{\"finalizers\":[\"a/b\"]}}");
    settle(&w);
    drop(&w, "configmaps", "ns", "owner", "{\"propagationPolicy\":\"Foreground\"}");
    settle(&w);
    CHECK("the owner is gone", !there(&w, "owner"));
    CHECK(
        "the child is on its way",
        json_str(object_doc(get(&w, "configmaps", "ns", "child")), "metadata.deletionTimestamp").n >
            0);
    close_world(&w);
}

TEST(orphans_live_on)
{
    struct world w;

    have_family(&w);
    drop(&w, "configmaps", "ns", "owner", "{\"propagationPolicy\":\"Orphan\"}");
    settle(&w);
    CHECK("the owner is gone", !there(&w, "owner"));
    CHECK("the child has no owner", there(&w, "child") && refs_of(&w, "child") == 0);
    CHECK("and keeps its own", there(&w, "grandchild") && refs_of(&w, "grandchild") == 1);
    close_world(&w);
}

TEST(one_living_owner_is_enough)
{
    struct world w;

    open_world(&w);
    settle(&w);
    have_map(&w, "ns", "a", "");
    have_map(&w, "ns", "b", "");
    have_map(&w, "ns", "child",
             arena_printf(&w.arena, "%s,%s", ref(&w, "a", true), ref(&w, "b", true)).at);
    settle(&w);
    drop(&w, "configmaps", "ns", "a", "{}");
    settle(&w);
    CHECK("it lives, with one owner", there(&w, "child") && refs_of(&w, "child") == 1);
    drop(&w, "configmaps", "ns", "b", "{}");
    settle(&w);
    CHECK("till the last is gone", !there(&w, "child"));
    close_world(&w);
}

TEST(a_circle_ends)
{
    struct world w;

    have_family(&w);
    change(&w, "configmaps", "ns", "owner", "",
           arena_printf(&w.arena, "{\"metadata\":{\"ownerReferences\":[%s]}}",
                        ref(&w, "grandchild", true))
               .at);
    settle(&w);
    CHECK("it stands", there(&w, "owner") && there(&w, "child") && there(&w, "grandchild"));
    drop(&w, "configmaps", "ns", "child", "{\"propagationPolicy\":\"Foreground\"}");
    settle(&w);
    CHECK("and falls as a whole",
          !there(&w, "owner") && !there(&w, "child") && !there(&w, "grandchild"));
    close_world(&w);
}

static const struct {
    const char *label, *refs;
    bool event;
} invalid[] = {
    {"a uid that never was",
     "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"owner\",\"uid\":\"none\"}",  false},
    {"another name",
     "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"x\",\"uid\":\"UID\"}",       false},
    {"another kind",
     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"name\":\"owner\",\"uid\":\"UID\"}",      false},
    {"another group",
     "{\"apiVersion\":\"a/v1\",\"kind\":\"ConfigMap\",\"name\":\"owner\",\"uid\":\"UID\"}", false},
    {"another namespace",
     "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"far\",\"uid\":\"FAR\"}",     true },
};

static const char *with_uids(struct world *w, const char *refs)
{
    struct str text = str_c(refs);
    size_t at = str_find(text, S("UID")), far = str_find(text, S("FAR"));
    struct str uid = at != STR_NONE ? get(w, "configmaps", "ns", "owner")->uid
                                    : get(w, "configmaps", "other", "far")->uid;

    at = at != STR_NONE ? at : far;
    if (at == STR_NONE)
        return refs;
    return arena_printf(&w->arena, "%.*s%.*s%.*s", STR_ARG(str_first(text, at)), STR_ARG(uid),
                        STR_ARG(str_from(text, at + 3)))
        .at;
}

TEST(references_that_lead_nowhere_are_to_nobody)
{
    CASE_EACH(c, invalid) {
        struct object_list events;
        struct world w;
        bool said = false;

        open_world(&w);
        settle(&w);
        have_map(&w, "ns", "owner", "");
        have_map(&w, "other", "far", "");
        have_map(&w, "ns", "child", with_uids(&w, c->refs));
        settle(&w);
        CHECK(c->label, !there(&w, "child") && there(&w, "owner"));
        events = object_list(w.objects, &w.arena, CLUSTER, S("events"), S("ns"));
        for (size_t i = 0; i < events.n; i++)
            said |=
                str_is(json_str(object_doc(events.at[i]), "reason"), "OwnerRefInvalidNamespace");
        CHECK(c->label, said == c->event);
        close_world(&w);
    }
}

TEST(what_a_killed_server_left_is_collected)
{
    struct world w;

    have_family(&w);
    loops_stop(w.loops, NULL, NULL);
    drop(&w, "configmaps", "ns", "owner", "{}");
    start_loops(&w);
    settle(&w);
    CHECK("all of it", !there(&w, "child") && !there(&w, "grandchild"));
    close_world(&w);
}

TEST(events_live_for_an_hour)
{
    struct world w;

    open_world(&w);
    have(&w, "pods",
         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"
         "\"ns\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"nginx:1\"}]}}");
    settle(&w);
    CHECK("there are some", object_count(w.objects, CLUSTER, S("events")) > 2);
    pass(&w, 3599 * 1000);
    CHECK("nearly an hour", object_count(w.objects, CLUSTER, S("events")) > 2);
    pass(&w, 2000);
    CHECK("then they are gone", object_count(w.objects, CLUSTER, S("events")) == 0);
    close_world(&w);
}

TEST_MAIN(T(the_rules), T(in_the_background_dependents_follow),
          T(in_the_foreground_the_owner_goes_last),
          T(dependents_that_do_not_block_are_not_waited_for), T(orphans_live_on),
          T(one_living_owner_is_enough), T(a_circle_ends),
          T(references_that_lead_nowhere_are_to_nobody), T(what_a_killed_server_left_is_collected),
          T(events_live_for_an_hour))
