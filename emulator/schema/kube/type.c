/* Finding shapes. The rows are in types.c. */
#include "schema/kube/type.h"

static struct str package_of(const struct kube_type *t)
{
    return str_c(kube_text(t->package));
}

struct str kube_type_version(const struct kube_type *t)
{
    struct str package = package_of(t);

    return str_from(package, str_rchr(package, '/') + 1);
}

const struct kube_type *kube_type_named(struct str package, struct str name)
{
    size_t low = 0, high = kube_type_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct kube_type *t = &kube_types[middle];
        int order = str_cmp(package_of(t), package);

        if (order == 0)
            order = str_cmp(str_c(kube_text(t->name)), name);
        if (order == 0)
            return t;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct kube_type *kube_type_find(struct str group, struct str version, struct str kind)
{
    for (size_t i = 0; i < kube_type_count; i++) {
        const struct kube_type *t = &kube_types[i];

        if ((t->flags & KUBE_IS_KIND) != 0 && str_is(kind, kube_text(t->name)) &&
            (t->flags & KUBE_IS_META) == 0 && str_is(group, kube_text(t->group)) &&
            str_eq(kube_type_version(t), version))
            return t;
    }
    return kube_type_named(S("meta/v1"), kind);
}

const struct kube_field *kube_type_field(const struct kube_type *t, struct str name)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct kube_field *f = kube_type_at(t, i);

        if (str_is(name, kube_field_name(f)))
            return f;
    }
    return NULL;
}
