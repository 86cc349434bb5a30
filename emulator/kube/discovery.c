/* Discovery documents, written from the table of kinds. */
#include "kube/discovery.h"

#include "base/buf.h"
#include "base/sha.h"

enum { LARGEST_DOCUMENT = 1 << 20 };

/* The words of a space separated list as JSON strings. */
static void write_words(struct buf *b, const char *words)
{
    struct str rest = str_c(words), word;
    bool any = false;

    buf_char(b, '[');
    while (str_next(&rest, ' ', &word)) {
        buf_add(b, any ? S(",") : S(""));
        json_write_str(b, word);
        any = true;
    }
    buf_char(b, ']');
}

static int minor_of(const struct kube_call *c)
{
    return c->cluster->options.serve_minor;
}

/* Whether row @i is the first served of its group (and version). */
static bool is_first(int minor, size_t i, bool version)
{
    for (size_t j = 0; j < i; j++)
        if (kind_is_served(&kinds[j], minor) && str_eq(kinds[j].group, kinds[i].group) &&
            (!version || str_eq(kinds[j].version, kinds[i].version)))
            return false;
    return kind_is_served(&kinds[i], minor);
}

/* --- legacy ----------------------------------------------------------------------------- */

static void write_group_version(struct buf *b, const struct kind *k)
{
    CLEANUP(arena_free) struct arena a = {0};

    buf_printf(b, "{\"groupVersion\":\"%.*s\",\"version\":\"%.*s\"}",
               STR_ARG(kind_api_version(k, &a)), STR_ARG(k->version));
}

static void write_group(struct buf *b, int minor, size_t first)
{
    bool any = false;

    buf_printf(b, "\"name\":\"%.*s\",\"versions\":[", STR_ARG(kinds[first].group));
    for (size_t i = first; i < kind_count; i++) {
        if (!str_eq(kinds[i].group, kinds[first].group) || !is_first(minor, i, true))
            continue;
        buf_add(b, any ? S(",") : S(""));
        write_group_version(b, &kinds[i]);
        any = true;
    }
    buf_add(b, S("],\"preferredVersion\":"));
    write_group_version(b, &kinds[first]);
}

static void write_legacy_sub(struct buf *b, const struct kind *k, const struct kind_sub *sub)
{
    buf_printf(b, ",{\"name\":\"%.*s/%s\",\"singularName\":\"\",\"namespaced\":%s",
               STR_ARG(k->plural), sub->name, (k->flags & KIND_NAMESPACED) != 0 ? "true" : "false");
    if (sub->kind != NULL)
        buf_printf(b, ",\"group\":\"%s\",\"version\":\"%s\"", sub->group, sub->version);
    buf_printf(b, ",\"kind\":\"%.*s\",\"verbs\":",
               sub->kind != NULL ? (int)strlen(sub->kind) : (int)k->kind.n,
               sub->kind != NULL ? sub->kind : k->kind.at);
    write_words(b, sub->verbs);
    buf_char(b, '}');
}

static void write_legacy_resource(struct buf *b, const struct kind *k)
{
    CLEANUP(arena_free) struct arena a = {0};

    buf_printf(b,
               "{\"name\":\"%.*s\",\"singularName\":\"%.*s\",\"namespaced\":%s,\"kind\":\"%.*s\","
               "\"verbs\":",
               STR_ARG(k->plural), STR_ARG(k->singular),
               (k->flags & KIND_NAMESPACED) != 0 ? "true" : "false", STR_ARG(k->kind));
    write_words(b, kind_verbs(k));
    if (k->shorts != NULL) {
        buf_add(b, S(",\"shortNames\":"));
        write_words(b, k->shorts);
    }
    if (k->categories != NULL) {
        buf_add(b, S(",\"categories\":"));
        write_words(b, k->categories);
    }
    if ((k->flags & KIND_CREATE_ONLY) == 0)
        buf_printf(b, ",\"storageVersionHash\":\"%.*s\"",
                   STR_ARG(str_first(sha256_hex(&a, k->stored), 12)));
    buf_char(b, '}');
    for (size_t i = 0; i < k->sub_count; i++)
        write_legacy_sub(b, k, &k->subs[i]);
}

static bool write_resources(struct buf *b, int minor, struct str group, struct str version)
{
    bool any = false;

    if (!kind_group_exists(minor, group, version))
        return false;
    buf_printf(b, "{\"kind\":\"APIResourceList\"%s,\"groupVersion\":\"%.*s%s%.*s\",\"resources\":[",
               group.n > 0 ? ",\"apiVersion\":\"v1\"" : "", STR_ARG(group), group.n > 0 ? "/" : "",
               STR_ARG(version));
    for (size_t i = 0; i < kind_count; i++) {
        if (!str_eq(kinds[i].group, group) || !str_eq(kinds[i].version, version) ||
            !kind_is_served(&kinds[i], minor))
            continue;
        buf_add(b, any ? S(",") : S(""));
        write_legacy_resource(b, &kinds[i]);
        any = true;
    }
    buf_add(b, S("]}"));
    return true;
}

static void write_groups(struct buf *b, int minor)
{
    bool any = false;

    buf_add(b, S("{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":["));
    for (size_t i = 0; i < kind_count; i++) {
        if (kinds[i].group.n == 0 || !is_first(minor, i, false))
            continue;
        buf_add(b, any ? S(",{") : S("{"));
        write_group(b, minor, i);
        buf_char(b, '}');
        any = true;
    }
    buf_add(b, S("]}"));
}

static bool write_one_group(struct buf *b, int minor, struct str group)
{
    for (size_t i = 0; i < kind_count; i++) {
        if (!str_eq(kinds[i].group, group) || !is_first(minor, i, false))
            continue;
        buf_add(b, S("{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\","));
        write_group(b, minor, i);
        buf_char(b, '}');
        return true;
    }
    return false;
}

static void write_versions(struct buf *b, const struct kube_call *c)
{
    struct str host = c->request->authority;

    buf_add(b, S("{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":["
                 "{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":"));
    json_write_str(b, host);
    buf_add(b, S("}]}"));
}

/* --- aggregated --------------------------------------------------------------------------- */

/* Group and version of a kind are left out where they are the enclosing ones. */
static void write_response_kind(struct buf *b, const char *group, const char *version,
                                struct str kind)
{
    buf_printf(b, "\"responseKind\":{\"group\":\"%s\",\"version\":\"%s\",\"kind\":\"%.*s\"}", group,
               version, STR_ARG(kind));
}

static void write_subresources(struct buf *b, const struct kind *k)
{
    buf_add(b, S(",\"subresources\":["));
    for (size_t i = 0; i < k->sub_count; i++) {
        const struct kind_sub *sub = &k->subs[i];

        buf_printf(b, "%s{\"subresource\":\"%s\",", i > 0 ? "," : "", sub->name);
        if (sub->kind != NULL)
            write_response_kind(b, sub->group, sub->version, str_c(sub->kind));
        else
            write_response_kind(b, "", "", k->kind);
        buf_add(b, S(",\"verbs\":"));
        write_words(b, sub->verbs);
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

static void write_aggregated_resource(struct buf *b, const struct kind *k)
{
    buf_printf(b, "{\"resource\":\"%.*s\",", STR_ARG(k->plural));
    write_response_kind(b, "", "", k->kind);
    buf_printf(b, ",\"scope\":\"%s\",\"singularResource\":\"%.*s\",\"verbs\":",
               (k->flags & KIND_NAMESPACED) != 0 ? "Namespaced" : "Cluster", STR_ARG(k->singular));
    write_words(b, kind_verbs(k));
    if (k->shorts != NULL) {
        buf_add(b, S(",\"shortNames\":"));
        write_words(b, k->shorts);
    }
    if (k->categories != NULL) {
        buf_add(b, S(",\"categories\":"));
        write_words(b, k->categories);
    }
    if (k->sub_count > 0)
        write_subresources(b, k);
    buf_char(b, '}');
}

static void write_aggregated_version(struct buf *b, int minor, size_t first)
{
    bool any = false;

    buf_printf(b, "{\"version\":\"%.*s\",\"freshness\":\"Current\",\"resources\":[",
               STR_ARG(kinds[first].version));
    for (size_t i = first; i < kind_count; i++) {
        if (!str_eq(kinds[i].group, kinds[first].group) ||
            !str_eq(kinds[i].version, kinds[first].version) || !kind_is_served(&kinds[i], minor))
            continue;
        buf_add(b, any ? S(",") : S(""));
        write_aggregated_resource(b, &kinds[i]);
        any = true;
    }
    buf_add(b, S("]}"));
}

static void write_aggregated_group(struct buf *b, int minor, size_t first)
{
    bool any = false;

    buf_add(b, S("{\"metadata\":{"));
    if (kinds[first].group.n > 0)
        buf_printf(b, "\"name\":\"%.*s\",", STR_ARG(kinds[first].group));
    buf_add(b, S("\"creationTimestamp\":null},\"versions\":["));
    for (size_t i = first; i < kind_count; i++) {
        if (!str_eq(kinds[i].group, kinds[first].group) || !is_first(minor, i, true))
            continue;
        buf_add(b, any ? S(",") : S(""));
        write_aggregated_version(b, minor, i);
        any = true;
    }
    buf_add(b, S("]}"));
}

static void write_aggregated(struct buf *b, int minor, bool core, const char *version)
{
    bool any = false;

    buf_printf(b,
               "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/%s\","
               "\"metadata\":{},\"items\":[",
               version);
    for (size_t i = 0; i < kind_count; i++) {
        if ((kinds[i].group.n == 0) != core || !is_first(minor, i, false))
            continue;
        buf_add(b, any ? S(",") : S(""));
        write_aggregated_group(b, minor, i);
        any = true;
    }
    buf_add(b, S("]}"));
}

/* "v2", "v2beta1", or NULL for the legacy form: the first that the client lists. */
static const char *aggregated_version(const struct kube_call *c)
{
    struct str accept = http_header_get(c->request->headers, S("Accept")), range;

    while (str_next(&accept, ',', &range)) {
        bool discovery = str_find(range, S("as=APIGroupDiscoveryList")) != STR_NONE &&
                         str_find(range, S("g=apidiscovery.k8s.io")) != STR_NONE;

        range = str_trim(range);
        if (discovery && str_find(range, S("v=v2beta1")) != STR_NONE)
            return "v2beta1";
        if (discovery && str_find(range, S("v=v2")) != STR_NONE)
            return "v2";
        if (!discovery && (str_starts(range, S("application/json")) || str_is(range, "*/*")))
            return NULL;
    }
    return NULL;
}

static void answer_aggregated(struct kube_call *c, bool core, const char *version)
{
    struct buf *b = &c->bytes;
    struct str etag;

    write_aggregated(b, minor_of(c), core, version);
    etag = arena_printf(c->arena, "\"%.*s\"", STR_ARG(sha256_hex(c->arena, buf_str(b))));
    call_add_header(c, S("ETag"), etag);
    call_add_header(c, S("Vary"), S("Accept"));
    if (str_eq(http_header_get(c->request->headers, S("If-None-Match")), etag)) {
        call_answer_raw(c, 304, S(""), S(""));
        return;
    }
    call_answer_raw(c, 200,
                    arena_printf(c->arena,
                                 "application/json;g=apidiscovery.k8s.io;v=%s;as="
                                 "APIGroupDiscoveryList",
                                 version),
                    buf_str(b));
}

/* --- the paths ---------------------------------------------------------------------------- */

bool discovery_answer(struct kube_call *c)
{
    struct str path = str_from(c->target.path, 1), group, version = {0};
    struct buf *b = &c->bytes;
    const char *aggregated = aggregated_version(c);
    bool known = true;

    while (str_ends(path, S("/")))
        path = str_first(path, path.n - 1);
    *b = buf_init(LARGEST_DOCUMENT);
    if (aggregated != NULL && (str_is(path, "api") || str_is(path, "apis"))) {
        answer_aggregated(c, str_is(path, "api"), aggregated);
        return true;
    }
    if (str_is(path, "api"))
        write_versions(b, c);
    else if (str_is(path, "apis"))
        write_groups(b, minor_of(c));
    else if (str_starts(path, S("api/")))
        known = write_resources(b, minor_of(c), S(""), str_from(path, 4));
    else if (!str_cut(str_from(path, 5), '/', &group, &version))
        known = write_one_group(b, minor_of(c), str_from(path, 5));
    else
        known = write_resources(b, minor_of(c), group, version);
    if (known)
        call_answer_raw(c, 200, S("application/json"), buf_str(b));
    return known;
}
