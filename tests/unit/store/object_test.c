/* Kubernetes objects: versions, order, history, and a cache that follows the database. */
#include "store/object.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

struct world {
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
    struct objects *objects;
    char told[512]; /* "+name@rv " a change */
};

static void open_path(struct world *w, const char *path)
{
    struct str why = {0};

    *w = (struct world){0};
    clock_init(&w->clock);
    ids_init(&w->ids, 1);
    CHECK("the store opens", store_open(path, &w->clock, &w->ids, &w->arena, &w->store, &why) == 0);
    CHECK("the objects load", objects_open(w->store, &w->objects) == 0);
}

static void close_world(struct world *w)
{
    objects_close(w->objects);
    store_close(w->store);
    arena_free(&w->arena);
}

static struct object_key key(const char *ns, const char *name)
{
    return (struct object_key){S("sample"), S("pods"), str_c(ns), str_c(name)};
}

static cJSON *pod(const char *ns, const char *name)
{
    cJSON *doc = cJSON_CreateObject();

    json_put_str(json_need_object(doc, "metadata"), S("name"), str_c(name));
    json_put_str(json_need_object(doc, "metadata"), S("namespace"), str_c(ns));
    json_put_str(json_need_object(doc, "metadata"), S("uid"), S("u-1"));
    json_put_str(json_need_object(doc, "metadata.labels"), S("app"), str_c(name));
    return doc;
}

static struct object *put(struct world *w, const char *ns, const char *name)
{
    struct object *o = NULL;

    assert_int_equal(store_begin(w->store), 0);
    assert_int_equal(object_put(w->objects, key(ns, name), pod(ns, name), &o), 0);
    assert_int_equal(store_commit(w->store), 0);
    return o;
}

static void remove_pod(struct world *w, const char *ns, const char *name)
{
    assert_int_equal(store_begin(w->store), 0);
    assert_int_equal(object_remove(w->objects, key(ns, name), NULL), 0);
    assert_int_equal(store_commit(w->store), 0);
}

static void tell(void *data, const struct object_change *c)
{
    struct world *w = data;
    size_t n = strlen(w->told);

    (void)snprintf(w->told + n, sizeof w->told - n, "%c%.*s@%lld%s ", "+~-"[c->event],
                   STR_ARG(c->now->key.name), (long long)c -> now -> rv,
                   c -> old == NULL ? "" : "<");
}

static void on_change(void *data, const struct change *change)
{
    const struct object_change *c = object_change_of(change);

    if (c != NULL)
        tell(data, c);
}

TEST(an_object_comes_back_with_its_version_inside)
{
    struct world w;
    struct object *o;

    open_path(&w, ":memory:");
    (void)put(&w, "default", "a");
    o = object_get(w.objects, key("default", "a"));
    CHECK("it is there", o != NULL);
    CHECK("numbers start behind 1", o->rv == 2 && objects_rv(w.objects) == 2);
    CHECK_STR("the document tells it too", json_str(object_doc(o), "metadata.resourceVersion"),
              S("2"));
    CHECK_STR("labels are at hand", o->labels[0].value, S("a"));
    CHECK_STR("so is the uid", o->uid, S("u-1"));
    CHECK("another cluster has none",
          object_get(w.objects, (struct object_key){S("other"), S("pods"), S("default"), S("a")}) ==
              NULL);
    close_world(&w);
}

TEST(lists_are_ordered_by_namespace_then_name)
{
    struct object_list list;
    struct world w;

    open_path(&w, ":memory:");
    (void)put(&w, "b", "x");
    (void)put(&w, "a", "z");
    (void)put(&w, "b", "a");
    (void)put(&w, "ba", "a");
    list = object_list(w.objects, &w.arena, S("sample"), S("pods"), S(""));
    CHECK("all of them", list.n == 4 && object_count(w.objects, S("sample"), S("pods")) == 4);
    CHECK_STR("namespace first", list.at[0]->key.name, S("z"));
    CHECK_STR("then name", list.at[1]->key.name, S("a"));
    list = object_list(w.objects, &w.arena, S("sample"), S("pods"), S("b"));
    CHECK("one namespace, not those it is a prefix of", list.n == 2);
    CHECK_STR("the last of it", list.at[1]->key.name, S("x"));
    close_world(&w);
}

TEST(a_rollback_undoes_the_cache_and_the_counter)
{
    struct world w;
    struct object *before, *o;

    open_path(&w, ":memory:");
    before = put(&w, "default", "a");
    assert_int_equal(store_begin(w.store), 0);
    assert_int_equal(object_put(w.objects, key("default", "a"), pod("default", "a"), NULL), 0);
    assert_int_equal(object_put(w.objects, key("default", "b"), pod("default", "b"), NULL), 0);
    assert_int_equal(object_remove(w.objects, key("default", "a"), &o), 0);
    CHECK("inside, the changes are seen", object_get(w.objects, key("default", "a")) == NULL);
    store_rollback(w.store);
    CHECK("what was replaced is back", object_get(w.objects, key("default", "a")) == before);
    CHECK("what was added is gone", object_get(w.objects, key("default", "b")) == NULL);
    CHECK("numbers nobody saw are free", objects_rv(w.objects) == 2);
    objects_sweep(w.objects);
    CHECK_STR("and it is whole", before->key.name, S("a"));
    close_world(&w);
}

TEST(changes_are_heard_after_the_commit_in_order)
{
    struct feed_subscriber sub = {0};
    struct world w;

    open_path(&w, ":memory:");
    feed_subscribe(store_feed(w.store), &sub, on_change, &w);
    (void)put(&w, "default", "a");
    (void)put(&w, "default", "a");
    remove_pod(&w, "default", "a");
    feed_deliver(w.store);
    CHECK_STR("a deletion has a version of its own", str_c(w.told), S("+a@2 ~a@3< -a@4< "));
    close_world(&w);
}

TEST(history_starts_where_it_is_asked_and_ends_at_the_compaction_point)
{
    struct world w;

    open_path(&w, ":memory:");
    (void)put(&w, "default", "a");
    (void)put(&w, "default", "b");
    (void)put(&w, "default", "a");
    remove_pod(&w, "default", "b");
    assert_int_equal(objects_since(w.objects, S("sample"), S("pods"), 2, tell, &w), 0);
    CHECK_STR("what came after 2", str_c(w.told), S("+b@3 ~a@4< -b@5< "));
    assert_int_equal(objects_compact(w.objects, 4), 0);
    assert_int_equal(objects_since(w.objects, S("sample"), S("pods"), 3, tell, &w), -ESTALE);
    w.told[0] = '\0';
    assert_int_equal(objects_since(w.objects, S("sample"), S("pods"), 4, tell, &w), 0);
    CHECK_STR("from the point itself it goes on, without the state that was forgotten",
              str_c(w.told), S("-b@5 "));
    close_world(&w);
}

TEST(numbers_are_never_used_twice_over_a_restart)
{
    char path[] = "/tmp/elbow-object-test-XXXXXX";
    struct world w;
    int fd = mkstemp(path);

    (void)close(fd);
    open_path(&w, path);
    (void)put(&w, "default", "a");
    (void)put(&w, "default", "b");
    remove_pod(&w, "default", "b");
    assert_int_equal(objects_compact(w.objects, 4), 0);
    close_world(&w);
    open_path(&w, path);
    CHECK("the counter goes on", objects_rv(w.objects) == 4);
    CHECK("what lived lives", object_get(w.objects, key("default", "a")) != NULL);
    CHECK("what died is dead", object_get(w.objects, key("default", "b")) == NULL);
    CHECK("the compaction point is kept", objects_compacted_rv(w.objects) == 4);
    close_world(&w);
    (void)unlink(path);
}

TEST(a_borrowed_object_lives_until_the_sweep)
{
    struct object *o, *kept;
    struct world w;

    open_path(&w, ":memory:");
    o = put(&w, "default", "a");
    kept = object_ref(put(&w, "default", "k"));
    (void)put(&w, "default", "a");
    CHECK("replaced, still readable", o->rv == 2 && object_doc(o) != NULL);
    remove_pod(&w, "default", "k");
    feed_deliver(w.store);
    objects_sweep(w.objects);
    CHECK_STR("a reference lives on", kept->key.name, S("k"));
    object_unref(kept);
    close_world(&w);
}

TEST_MAIN(T(an_object_comes_back_with_its_version_inside),
          T(lists_are_ordered_by_namespace_then_name),
          T(a_rollback_undoes_the_cache_and_the_counter),
          T(changes_are_heard_after_the_commit_in_order),
          T(history_starts_where_it_is_asked_and_ends_at_the_compaction_point),
          T(numbers_are_never_used_twice_over_a_restart),
          T(a_borrowed_object_lives_until_the_sweep))
