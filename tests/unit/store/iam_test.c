/* Identity in the store: what follows from what. */
#include "store/iam.h"

#include <errno.h>

#include "test.h"

struct world {
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
};

#define ACCOUNT S("123456789012")

static void open_world(struct world *w)
{
    struct str why = {0};

    *w = (struct world){0};
    clock_init(&w->clock);
    ids_init(&w->ids, 1);
    CHECK("a store", store_open(":memory:", &w->clock, &w->ids, &w->arena, &w->store, &why) == 0);
    CHECK("a transaction", store_begin(w->store) == 0);
}

static void close_world(struct world *w)
{
    CHECK("it commits", store_commit(w->store) == 0);
    store_close(w->store);
    arena_free(&w->arena);
}

static struct iam_entity entity(struct world *w, enum iam_kind kind, const char *name)
{
    struct iam_entity e = {
        .kind = kind,
        .account = ACCOUNT,
        .name = str_c(name),
        .path = S("/"),
        .id = arena_printf(&w->arena, "ID%d%s", kind, name),
        .arn = arena_printf(&w->arena, "arn:%d/%s", kind, name),
        .created = 1000,
        .trust = S("{}"),
    };

    CHECK("inserted", iam_entity_insert(w->store, &e) == 0);
    return e;
}

static struct str policy(struct world *w, const char *name, const char *document)
{
    struct iam_managed p = {
        .arn = arena_printf(&w->arena, "arn:policy/%s", name),
        .account = ACCOUNT,
        .name = str_c(name),
        .path = S("/"),
        .id = arena_printf(&w->arena, "ANPA%s", name),
        .created = 1000,
    };

    CHECK("inserted", iam_policy_insert(w->store, &p, str_c(document)) == 0);
    return p.arn;
}

TEST(names_keep_their_case_and_ignore_it)
{
    struct world w;
    struct iam_entity e, *found = NULL;

    open_world(&w);
    e = entity(&w, IAM_ROLE, "Admin");
    CHECK("found", iam_entity_find(w.store, &w.arena, IAM_ROLE, ACCOUNT, S("ADMIN"), &found) == 0);
    CHECK_STR("as it was written", found->name, S("Admin"));
    CHECK("kinds are apart",
          iam_entity_find(w.store, &w.arena, IAM_USER, ACCOUNT, S("Admin"), &found) == 0 &&
              found == NULL);
    e.id = S("OTHER");
    e.arn = S("arn:other");
    e.name = S("aDMIN");
    CHECK("a second one is refused", iam_entity_insert(w.store, &e) == -EEXIST);
    close_world(&w);
}

TEST(counts_are_derived_from_attachments)
{
    struct world w;
    struct iam_entity role, user;
    struct iam_managed *p = NULL;
    struct iam_entity *who = NULL;
    struct str arn;
    bool changed = false;

    open_world(&w);
    role = entity(&w, IAM_ROLE, "r");
    user = entity(&w, IAM_USER, "u");
    arn = policy(&w, "p", "{1}");
    CHECK("attached", iam_attach(w.store, &role, arn, 1) == 0);
    CHECK("twice is once", iam_attach(w.store, &role, arn, 2) == 0);
    CHECK("to a user too", iam_attach(w.store, &user, arn, 3) == 0);
    CHECK("read", iam_policy_find(w.store, &w.arena, arn, &p) == 0);
    CHECK("two attachments", p->attachments == 2);
    CHECK("listed", iam_attached_to(w.store, &w.arena, arn, IAM_ROLE, false, &who) == 0);
    CHECK("one role", who != NULL && who->next == NULL && str_is(who->name, "r"));
    CHECK("detached", iam_detach(w.store, &role, arn, &changed) == 0 && changed);
    CHECK("once only", iam_detach(w.store, &role, arn, &changed) == 0 && !changed);
    close_world(&w);
}

TEST(a_users_documents_are_its_own_and_its_groups)
{
    struct world w;
    struct iam_entity user, group, renamed;
    struct iam_inline *first = NULL;
    struct str boundary = {0}, all = {0};
    int64_t number;

    open_world(&w);
    user = entity(&w, IAM_USER, "u");
    group = entity(&w, IAM_GROUP, "g");
    CHECK("a member", iam_group_add(w.store, ACCOUNT, S("g"), S("u")) == 0);
    CHECK("inline", iam_inline_put(w.store, &user, S("own"), S("{own}")) == 0);
    CHECK("of the group", iam_attach(w.store, &group, policy(&w, "p", "{v1}"), 1) == 0);
    CHECK("a new version", iam_version_insert(w.store, &w.arena, S("arn:policy/p"), S("{v2}"), 2,
                                              true, &number) == 0 &&
                               number == 2);
    renamed = user;
    renamed.name = S("u2");
    renamed.boundary = policy(&w, "b", "{b}");
    CHECK("renamed and bound", iam_entity_update(w.store, S("u"), &renamed) == 0);
    CHECK("read", iam_document_list(w.store, &w.arena, &renamed, &first, &boundary) == 0);
    for (; first != NULL; first = first->next)
        all = arena_printf(&w.arena, "%.*s%.*s", STR_ARG(all), STR_ARG(first->document));
    CHECK_STR("its own, then the group's default version", all, S("{own}{v2}"));
    CHECK_STR("and the boundary", boundary, S("{b}"));
    close_world(&w);
}

TEST(what_goes_with_a_user)
{
    struct world w;
    struct iam_entity user;
    struct iam_key key = {.id = S("AKIA1"), .account = ACCOUNT, .user = S("u"), .secret = S("s")};
    struct iam_key *found = NULL;
    struct iam_label *tag = NULL;

    open_world(&w);
    user = entity(&w, IAM_USER, "u");
    CHECK("a key", iam_key_insert(w.store, &key) == 0);
    CHECK("a tag", iam_tag_put(w.store, user.arn, S("Team"), S("blue")) == 0);
    CHECK("replaced", iam_tag_put(w.store, user.arn, S("team"), S("")) == 0);
    CHECK("listed", iam_tag_list(w.store, &w.arena, user.arn, &tag) == 0);
    CHECK("one tag", tag != NULL && tag->next == NULL && tag->value.n == 0);
    CHECK("deleted", iam_entity_delete(w.store, &user) == 0);
    CHECK("the key is gone",
          iam_key_find(w.store, &w.arena, S("AKIA1"), &found) == 0 && found == NULL);
    CHECK("the tags too", iam_tag_list(w.store, &w.arena, user.arn, &tag) == 0 && tag == NULL);
    close_world(&w);
}

TEST(sessions_are_forgotten_a_day_after_their_end)
{
    struct world w;
    struct iam_session x = {.id = S("ASIA1"),
                            .account = ACCOUNT,
                            .secret = S("s"),
                            .token = S("t"),
                            .arn = S("arn"),
                            .user_id = S("AROA:x"),
                            .kind = IAM_ROLE,
                            .entity = S("r"),
                            .issued = 0,
                            .expires = 1000};
    struct iam_session *found = NULL;

    open_world(&w);
    CHECK("kept", iam_session_insert(w.store, &x) == 0);
    x.id = S("ASIA2");
    x.issued = 25 * 3600 * 1000;
    x.expires = x.issued + 1000;
    CHECK("another, much later", iam_session_insert(w.store, &x) == 0);
    CHECK("gone", iam_session_find(w.store, &w.arena, S("ASIA1"), &found) == 0 && found == NULL);
    CHECK("there", iam_session_find(w.store, &w.arena, S("ASIA2"), &found) == 0 && found != NULL);
    close_world(&w);
}

TEST_MAIN(T(names_keep_their_case_and_ignore_it), T(counts_are_derived_from_attachments),
          T(a_users_documents_are_its_own_and_its_groups), T(what_goes_with_a_user),
          T(sessions_are_forgotten_a_day_after_their_end))
