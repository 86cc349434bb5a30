/* Protobuf messages to documents, by the numbers in the table. A message becomes the JSON tree of
 * the same object, which is then normalised like any other: so a zero that Go's protobuf encoder
 * wrote for a plain field is dropped, and that of a pointer is kept.
 * Source: protobuf wire format; generated.proto of k8s.io/api; kubernetes-api reference §4.2. */
#include <limits.h>
#include <stdio.h>

#include "base/base64.h"
#include "schema/kube/decode.h"
#include "schema/kube/normalise.h"
#include "schema/kube/protobuf.h"
#include "schema/kube/scalar.h"

enum { DEEPEST = 400 };

struct reader {
    struct kube_problems *p;
    int depth;
};

/* --- the wire ----------------------------------------------------------------------------- */

static bool broken(struct kube_problems *p, const char *why)
{
    return kube_refuse(p, "%s", why) != NULL;
}

static bool take_varint(struct kube_problems *p, struct str *rest, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char byte;

        if (rest->n == 0)
            return broken(p, "unexpected EOF");
        byte = (unsigned char)rest->at[0];
        *rest = str_from(*rest, 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return broken(p, "proto: integer overflow");
}

static bool take_fixed(struct kube_problems *p, struct str *rest, size_t n, uint64_t *ret)
{
    uint64_t value = 0;

    if (rest->n < n)
        return broken(p, "unexpected EOF");
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)(unsigned char)rest->at[i] << (8 * i);
    *rest = str_from(*rest, n);
    *ret = value;
    return true;
}

bool kube_proto_next(struct kube_problems *p, struct str *rest, struct kube_proto_part *part)
{
    uint64_t tag, length;

    if (!take_varint(p, rest, &tag))
        return false;
    *part = (struct kube_proto_part){.wire = (unsigned)(tag & 7), .number = tag >> 3};
    if (part->number == 0 || part->number > INT_MAX)
        return broken(p, "proto: illegal tag 0");
    switch (part->wire) {
    case KUBE_WIRE_VARINT:
        return take_varint(p, rest, &part->value);
    case KUBE_WIRE_FIXED64:
        return take_fixed(p, rest, 8, &part->value);
    case KUBE_WIRE_FIXED32:
        return take_fixed(p, rest, 4, &part->value);
    case KUBE_WIRE_BYTES:
        if (!take_varint(p, rest, &length))
            return false;
        if (length > rest->n)
            return broken(p, "unexpected EOF");
        part->bytes = str_first(*rest, (size_t)length);
        *rest = str_from(*rest, (size_t)length);
        return true;
    default:
        kube_refuse(p, "proto: illegal wireType %u", part->wire);
        return false;
    }
}

struct str kube_proto_text(struct kube_problems *p, struct str message, unsigned number)
{
    struct str found = {0};
    struct kube_proto_part part;

    while (message.n > 0 && kube_proto_next(p, &message, &part))
        if (part.number == number && part.wire == KUBE_WIRE_BYTES)
            found = part.bytes;
    return found;
}

static uint64_t number_in(struct kube_problems *p, struct str message, unsigned number)
{
    uint64_t found = 0;
    struct kube_proto_part part;

    while (message.n > 0 && kube_proto_next(p, &message, &part))
        if (part.number == number && part.wire == KUBE_WIRE_VARINT)
            found = part.value;
    return found;
}

/* --- values ------------------------------------------------------------------------------- */

static bool read_message(struct reader *r, const struct kube_type *t, cJSON *object,
                         struct str message, unsigned within, unsigned deeper);

static cJSON *new_text(struct reader *r, struct str text)
{
    if (text.n > 0 && memchr(text.at, '\0', text.n) != NULL) /* DIFFERS: texts end there */
        return kube_refuse(r->p, "the character U+0000 is not supported in strings");
    return json_new_str(text);
}

static cJSON *new_time(struct reader *r, struct str message, bool micro)
{
    int64_t seconds = (int64_t)number_in(r->p, message, 1);
    int32_t nanos = (int32_t)number_in(r->p, message, 2);
    struct str text = message.n == 0
                          ? (struct str){0}
                          : kube_time_text(r->p->arena, seconds,
                                           nanos < 0 || nanos > 999999999 ? 0 : nanos, micro);

    return text.n == 0 ? cJSON_CreateNull() : json_new_str(text);
}

static cJSON *new_int_or_string(struct reader *r, struct str message)
{
    if (number_in(r->p, message, 1) != 0)
        return new_text(r, kube_proto_text(r->p, message, 3));
    return cJSON_CreateNumber((double)(int32_t)number_in(r->p, message, 2));
}

static cJSON *new_strings(struct reader *r, struct str message)
{
    CLEANUP(json_freep) cJSON *list = cJSON_CreateArray();
    struct kube_proto_part part;
    cJSON *item;

    while (message.n > 0) {
        if (!kube_proto_next(r->p, &message, &part))
            return NULL;
        if (part.number != 1 || part.wire != KUBE_WIRE_BYTES)
            continue;
        item = new_text(r, part.bytes);
        if (item == NULL)
            return NULL;
        cJSON_AddItemToArray(list, item);
    }
    return TAKE(list);
}

/* What reads itself in JSON and has a message of alternatives in protobuf. */
static const struct {
    struct str go;
    unsigned flag, schema, list; /* numbers: a boolean, a schema, a list of schemas or texts; 0 */
    bool texts;
} alternatives[] = {
    {STR_INIT("JSONSchemaPropsOrArray"),       0, 1, 2, false},
    {STR_INIT("JSONSchemaPropsOrBool"),        1, 2, 0, false},
    {STR_INIT("JSONSchemaPropsOrStringArray"), 0, 1, 2, true },
};

static cJSON *new_schema(struct reader *r, struct str version, struct str message)
{
    struct str package = arena_printf(r->p->arena, "apiextensions/%.*s", STR_ARG(version));
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();

    if (!read_message(r, kube_type_named(package, S("JSONSchemaProps")), object, message, 0, 0))
        return NULL;
    return TAKE(object);
}

static cJSON *new_alternative(struct reader *r, size_t which, struct str version,
                              struct str message)
{
    CLEANUP(json_freep)
    cJSON *result = alternatives[which].flag != 0
                        ? cJSON_CreateBool(number_in(r->p, message, alternatives[which].flag) != 0)
                        : cJSON_CreateNull();
    struct kube_proto_part part;
    cJSON *item;

    while (message.n > 0) {
        bool list;

        if (!kube_proto_next(r->p, &message, &part))
            return NULL;
        list = part.number == alternatives[which].list;
        if (part.wire != KUBE_WIRE_BYTES || (!list && part.number != alternatives[which].schema))
            continue;
        item = list && alternatives[which].texts ? new_text(r, part.bytes)
                                                 : new_schema(r, version, part.bytes);
        if (item == NULL)
            return NULL;
        if (list && cJSON_IsArray(result)) {
            cJSON_AddItemToArray(result, item);
            continue;
        }
        cJSON_Delete(result);
        result = item;
        if (list) {
            result = cJSON_CreateArray();
            cJSON_AddItemToArray(result, item);
        }
    }
    return TAKE(result);
}

/* RawExtension, FieldsV1, JSON: {1: JSON text}. */
static cJSON *new_raw(struct reader *r, const struct kube_field *f, struct str message)
{
    struct str go = str_c(kube_text(f->go)), version, name, text;

    if (str_cut(go, '.', &version, &name))
        for (size_t i = 0; i < sizeof alternatives / sizeof alternatives[0]; i++)
            if (str_eq(name, alternatives[i].go))
                return new_alternative(r, i, version, message);
    text = kube_proto_text(r->p, message, 1);
    return text.n == 0 ? cJSON_CreateNull() : kube_parse_json(text, r->p);
}

static cJSON *new_struct(struct reader *r, const struct kube_field *f, struct str message)
{
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();

    if (!read_message(r, kube_field_type(f), object, message, 0, 0))
        return NULL;
    return TAKE(object);
}

/* A value that is a message or bytes of its own. */
static cJSON *new_from_bytes(struct reader *r, const struct kube_field *f, struct str bytes)
{
    switch ((enum kube_shape)f->shape) {
    case KUBE_STRING:
        return new_text(r, bytes);
    case KUBE_BYTES:
        return json_new_str(base64_encode(r->p->arena, bytes));
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
        return new_time(r, bytes, f->shape == KUBE_MICRO_TIME);
    case KUBE_DURATION:
        return json_new_str(kube_duration_text(r->p->arena, (int64_t)number_in(r->p, bytes, 1)));
    case KUBE_QUANTITY:
        bytes = kube_proto_text(r->p, bytes, 1);
        return bytes.n == 0 ? cJSON_CreateString("0") : new_text(r, bytes);
    case KUBE_INT_OR_STRING:
        return new_int_or_string(r, bytes);
    case KUBE_STRINGS:
        return new_strings(r, bytes);
    case KUBE_RAW:
        return new_raw(r, f, bytes);
    case KUBE_STRUCT:
        return new_struct(r, f, bytes);
    case KUBE_BOOL:
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_FLOAT:
        break;
    }
    return kube_refuse(r->p, "proto: wrong wireType = 2 for field %s", kube_field_name(f));
}

static cJSON *new_from_number(struct reader *r, const struct kube_field *f, unsigned wire,
                              uint64_t value)
{
    double real;

    if (f->shape == KUBE_BOOL && wire == KUBE_WIRE_VARINT)
        return cJSON_CreateBool(value != 0);
    if (f->shape == KUBE_INT32 && wire == KUBE_WIRE_VARINT)
        return cJSON_CreateNumber((double)(int32_t)value);
    if (f->shape == KUBE_INT64 && wire == KUBE_WIRE_VARINT)
        return kube_new_int((int64_t)value);
    if (f->shape == KUBE_FLOAT && wire == KUBE_WIRE_FIXED64) {
        memcpy(&real, &value, sizeof real);
        return cJSON_CreateNumber(real);
    }
    return kube_refuse(r->p, "proto: wrong wireType = %u for field %s", wire, kube_field_name(f));
}

static cJSON *new_value(struct reader *r, const struct kube_field *f,
                        const struct kube_proto_part *part)
{
    cJSON *item = part->wire == KUBE_WIRE_BYTES ? new_from_bytes(r, f, part->bytes)
                                                : new_from_number(r, f, part->wire, part->value);

    if (item != NULL && r->p->error.n > 0) { /* broken within */
        cJSON_Delete(item);
        return NULL;
    }
    return item;
}

/* --- members ------------------------------------------------------------------------------ */

static bool add_entry(struct reader *r, cJSON *object, const struct kube_field *f, struct str entry)
{
    cJSON *map = json_member(object, str_c(kube_field_name(f))), *value = NULL;
    CLEANUP(json_freep) cJSON *key = NULL;
    struct kube_proto_part part;

    if (map == NULL) {
        map = cJSON_CreateObject();
        cJSON_AddItemToObjectCS(object, kube_field_name(f), map);
    }
    while (entry.n > 0) {
        cJSON **slot;

        if (!kube_proto_next(r->p, &entry, &part)) {
            cJSON_Delete(value);
            return false;
        }
        if (part.number > 2)
            continue;
        slot = part.number == 1 ? &key : &value;
        cJSON_Delete(*slot);
        *slot = part.number == 2               ? new_value(r, f, &part)
                : part.wire == KUBE_WIRE_BYTES ? new_text(r, part.bytes)
                                               : NULL;
        if (*slot == NULL) {
            cJSON_Delete(value);
            return false;
        }
    }
    json_put(map, json_text(key), value != NULL ? value : cJSON_CreateNull());
    return true;
}

/* Numbers of a list may be packed together. */
static bool add_packed(struct reader *r, cJSON *list, const struct kube_field *f, struct str bytes)
{
    unsigned wire = f->shape == KUBE_FLOAT ? KUBE_WIRE_FIXED64 : KUBE_WIRE_VARINT;

    while (bytes.n > 0) {
        uint64_t value;

        if (!(wire == KUBE_WIRE_VARINT ? take_varint(r->p, &bytes, &value)
                                       : take_fixed(r->p, &bytes, 8, &value)))
            return false;
        cJSON_AddItemToArray(list, new_from_number(r, f, wire, value));
    }
    return true;
}

static bool add_element(struct reader *r, cJSON *object, const struct kube_field *f,
                        const struct kube_proto_part *part)
{
    bool number = f->shape == KUBE_BOOL || f->shape == KUBE_INT32 || f->shape == KUBE_INT64 ||
                  f->shape == KUBE_FLOAT;
    cJSON *list = json_member(object, str_c(kube_field_name(f))), *item;

    if (list == NULL) {
        list = cJSON_CreateArray();
        cJSON_AddItemToObjectCS(object, kube_field_name(f), list);
    }
    if (number && part->wire == KUBE_WIRE_BYTES)
        return add_packed(r, list, f, part->bytes);
    item = new_value(r, f, part);
    if (item == NULL)
        return false;
    cJSON_AddItemToArray(list, item);
    return true;
}

static bool add_member(struct reader *r, cJSON *object, const struct kube_field *f,
                       const struct kube_proto_part *part)
{
    cJSON *item, *old;

    if (f->container == KUBE_LIST)
        return add_element(r, object, f, part);
    if (f->container == KUBE_MAP)
        return part->wire == KUBE_WIRE_BYTES ? add_entry(r, object, f, part->bytes)
                                             : broken(r->p, "proto: wrong wireType for a map");
    old = json_member(object, str_c(kube_field_name(f)));
    if (old != NULL && f->shape == KUBE_STRUCT && part->wire == KUBE_WIRE_BYTES)
        return read_message(r, kube_field_type(f), old, part->bytes, 0, 0);
    item = new_value(r, f, part);
    if (item == NULL)
        return false;
    json_remove(object, str_c(kube_field_name(f)));
    cJSON_AddItemToObjectCS(object, kube_field_name(f), item);
    return true;
}

/* @object gets the members of @message, which is that of @t or of what @t inlines: the struct
 * number @within (0: none), and number @deeper within that. */
static bool read_message(struct reader *r, const struct kube_type *t, cJSON *object,
                         struct str message, unsigned within, unsigned deeper)
{
    struct kube_proto_part part;
    bool good = true;

    if (++r->depth > DEEPEST)
        return broken(r->p, "proto: exceeded max depth");
    while (good && message.n > 0) {
        if (!kube_proto_next(r->p, &message, &part))
            return false;
        for (size_t i = 0; i < t->count; i++) {
            const struct kube_field *f = kube_type_at(t, i);
            bool here = f->within == within && f->deeper == deeper;

            if (here && f->number != 0 && f->number == part.number) {
                good = add_member(r, object, f, &part);
                break;
            }
            if (part.wire != KUBE_WIRE_BYTES || deeper != 0)
                continue;
            if (within == 0 && f->within == part.number) {
                good = read_message(r, t, object, part.bytes, f->within, 0);
                break;
            }
            if (within != 0 && f->within == within && f->deeper != 0 && f->deeper == part.number) {
                good = read_message(r, t, object, part.bytes, within, f->deeper);
                break;
            }
        }
    }
    r->depth--;
    return good;
}

cJSON *kube_parse_protobuf(const struct kube_type *t, struct str message, struct kube_problems *p)
{
    struct reader r = {.p = p};
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();

    if (!read_message(&r, t, object, message, 0, 0))
        return NULL;
    return kube_normalise(t, object, p);
}
