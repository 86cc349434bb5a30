/* Values as awsutil.Prettify shows them. */
#include "pass_show.h"

#include "base/buf.h"
#include "go_text.h"

enum { TEXT_LIMIT = 1 << 20 };

struct str show_attributes(struct arena *a, const struct pairs *attributes)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);
    struct pretty out = {.out = &b};

    pretty_open_list(&out, attributes->n);
    for (size_t i = 0; i < attributes->n; i++) {
        pretty_open_struct(&out);
        pretty_member(&out, S("Key"));
        pretty_text(&out, attributes->at[i].key);
        pretty_member(&out, S("Value"));
        pretty_text(&out, attributes->at[i].value);
        pretty_close(&out);
    }
    pretty_close(&out);
    return arena_str(a, buf_str(&b));
}

struct str show_conditions(struct arena *a, const struct conditions *conditions)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);
    struct pretty out = {.out = &b};

    pretty_open_list(&out, conditions->n);
    for (size_t i = 0; i < conditions->n; i++) {
        pretty_open_struct(&out);
        pretty_member(&out, S("Field"));
        pretty_text(&out, conditions->at[i].field);
        pretty_member(&out, S("Values"));
        pretty_texts(&out, &conditions->at[i].values);
        pretty_close(&out);
    }
    pretty_close(&out);
    return arena_str(a, buf_str(&b));
}

struct str show_targets(struct arena *a, const struct targets *targets)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);

    for (size_t i = 0; i < targets->n; i++)
        buf_printf(&b, "%s%.*s:%lld", i == 0 ? "" : ", ", STR_ARG(targets->at[i].id),
                   (long long)targets->at[i].port);
    return arena_str(a, buf_str(&b));
}
