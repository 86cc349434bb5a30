/* From an answered call to bytes and headers.
 * Source: Kubernetes API Concepts, "Alternate representations of resources". */
#include "kube/answer.h"

#include "kube/convert.h"
#include "kube/table.h"

enum { MOST_HEADERS = 40, LONGEST_WARNING = 256, WARNINGS_TOGETHER = 4096 };

/* --- Accept ----------------------------------------------------------------------------- */

/* One media range: type, its as/v/g parameters and its weight in thousandths. */
struct range {
    struct str type, as, version, group;
    int weight;
};

static int read_weight(struct str q)
{
    int weight = 0, place = 100;
    size_t i = 0;

    if (q.n == 0 || (q.at[0] != '0' && q.at[0] != '1'))
        return 1000;
    if (q.at[0] == '1')
        return 1000;
    for (i = 2; i < q.n && i < 5 && q.at[i] >= '0' && q.at[i] <= '9'; i++, place /= 10)
        weight += (q.at[i] - '0') * place;
    return weight;
}

static struct range read_range(struct str text)
{
    struct range r = {.weight = 1000};
    struct str part, key, value;

    (void)str_next(&text, ';', &part);
    r.type = str_trim(part);
    while (str_next(&text, ';', &part)) {
        if (!str_cut(str_trim(part), '=', &key, &value))
            continue;
        if (str_is(key, "as"))
            r.as = value;
        else if (str_is(key, "v"))
            r.version = value;
        else if (str_is(key, "g"))
            r.group = value;
        else if (str_is(key, "q"))
            r.weight = read_weight(value);
    }
    return r;
}

static bool take_range(struct kube_call *c, const struct range *r)
{
    bool json = str_is(r->type, "application/json") || str_is(r->type, "*/*");

    if (!json && !str_is(r->type, "application/yaml"))
        return false;
    c->form = json ? FORM_JSON : FORM_YAML;
    if (r->as.n == 0)
        return true;
    if (!json || !str_is(r->group, "meta.k8s.io") ||
        (!str_is(r->version, "v1") && !str_is(r->version, "v1beta1")))
        return false;
    c->table_version = r->version;
    if (str_is(r->as, "Table"))
        c->form = FORM_TABLE;
    else if (str_is(r->as, "PartialObjectMetadata") || str_is(r->as, "PartialObjectMetadataList"))
        c->form = FORM_PARTIAL;
    else
        return false;
    return true;
}

bool answer_negotiate(struct kube_call *c)
{
    struct str accept = http_header_get(c->request->headers, S("Accept")), part;
    int best = 0;

    if (str_trim(accept).n == 0)
        return true;
    while (str_next(&accept, ',', &part)) {
        struct range r = read_range(part);
        enum kube_form form = c->form;
        struct str version = c->table_version;

        if (r.weight <= best)
            continue;
        if (take_range(c, &r)) {
            best = r.weight;
        } else {
            c->form = form;
            c->table_version = version;
        }
    }
    if (best > 0)
        return true;
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 406,
               .reason = "NotAcceptable",
               .message = S("only the following media types are accepted: application/json, "
                            "application/yaml, application/vnd.kubernetes.protobuf"),
           });
}

/* --- objects ---------------------------------------------------------------------------- */

cJSON *answer_object_doc(const struct kind *k, struct object *o)
{
    cJSON *doc = object_copy_doc(o);
    const struct kind *stored = kind_stored_form(k);

    if (stored != k)
        kube_convert(stored, k, doc);
    return doc;
}

void answer_write_object(struct buf *b, const struct kind *k, struct object *o)
{
    if (kind_stored_form(k) == k) {
        buf_add(b, o->json);
        return;
    }
    CLEANUP(json_freep) cJSON *doc = answer_object_doc(k, o);

    json_write(b, doc);
}

void answer_write_partial(struct buf *b, struct object *o)
{
    buf_add(b, S("{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\","
                 "\"metadata\":"));
    json_write(b, json_get(object_doc(o), "metadata"));
    buf_char(b, '}');
}

/* --- sending ---------------------------------------------------------------------------- */

static struct str warning_text(struct arena *a, struct str text)
{
    CLEANUP(buf_free) struct buf b = buf_init(WARNINGS_TOGETHER * 2);

    for (size_t i = 0; i < text.n; i++) {
        unsigned char ch = (unsigned char)text.at[i];

        if (ch == '"' || ch == '\\')
            buf_char(&b, '\\');
        buf_char(&b, ch < 0x20 || ch == 0x7f ? ' ' : text.at[i]);
    }
    return arena_printf(a, "299 - \"%.*s\"", STR_ARG(buf_str(&b)));
}

static size_t put_warnings(struct kube_call *c, struct http_header *at, size_t room)
{
    size_t n = 0, bytes = 0;

    for (const struct call_warning *w = c->warnings; w != NULL; w = w->next)
        bytes += w->text.n;
    for (const struct call_warning *w = c->warnings; w != NULL && n < room; w = w->next)
        at[n++] = (struct http_header){
            S("Warning"),
            warning_text(c->arena, bytes > WARNINGS_TOGETHER ? str_first(w->text, LONGEST_WARNING)
                                                             : w->text)};
    return n;
}

struct http_headers answer_headers(struct kube_call *c, struct str content_type)
{
    struct http_header *h = arena_array(c->arena, MOST_HEADERS, sizeof *h);
    size_t n = 0;

    h[n++] = (struct http_header){S("Audit-Id"), ids_uuid(c->kube->ids, c->arena)};
    h[n++] = (struct http_header){S("Content-Type"), content_type};
    h[n++] = (struct http_header){S("X-Kubernetes-Pf-Flowschema-Uid"),
                                  S("00000000-0000-4000-8000-000000000001")};
    h[n++] = (struct http_header){S("X-Kubernetes-Pf-Prioritylevel-Uid"),
                                  S("00000000-0000-4000-8000-000000000002")};
    h[n++] = (struct http_header){S("Cache-Control"), S("no-cache, private")};
    for (size_t i = 0; i < c->extra_count; i++) {
        if (str_is(c->extra[i].name, "Cache-Control"))
            h[4] = c->extra[i];
        else
            h[n++] = c->extra[i];
    }
    n += put_warnings(c, h + n, MOST_HEADERS - n);
    /* A 304 has no type: clients would put it in the place of the kept answer's own. */
    if (content_type.n == 0)
        h[1] = h[--n];
    return (struct http_headers){h, n};
}

static struct str encode_object(struct kube_call *c, struct buf *b)
{
    const struct kind *k = c->target.kind;

    if (c->form == FORM_PARTIAL || c->form == FORM_TABLE) {
        struct object_list one = {&c->object, 1};

        if (c->form == FORM_PARTIAL)
            answer_write_partial(b, c->object);
        else
            table_write(b, c, one, c->object->rv, S(""), -1);
        return buf_str(b);
    }
    if (kind_stored_form(k) == k)
        return c->object->json; /* as it is kept: no copy */
    answer_write_object(b, k, c->object);
    return buf_str(b);
}

/* The call's arena goes with the answer, and the call with it: what the body lies in is held here
 * until the answer has copied it. */
void answer_send(struct kube_call *c)
{
    CLEANUP(buf_free) struct buf b = c->bytes;
    CLEANUP(object_unrefp) struct object *o = c->object;
    struct str type = S("application/json"), body = {0};
    struct kube_out *out = c->out;
    struct http_headers headers;
    int status = c->status;

    if (c->state == CALL_OPEN || c->state == CALL_STREAM)
        return;
    if (c->state == CALL_OBJECT) {
        b = buf_init(LARGEST_ANSWER);
        body = encode_object(c, &b);
    } else if (c->state == CALL_DOC) {
        b = buf_init(LARGEST_ANSWER);
        json_write(&b, c->doc);
        body = buf_str(&b);
    } else {
        type = c->content_type;
        body = c->raw;
    }
    headers = answer_headers(c, type);
    c->bytes = (struct buf){0};
    c->object = NULL;
    call_deinit(c);
    out->answer(out, status, headers, body);
}
