/* Rewriting by regular expression. A transform whose expression does not match changes nothing.
 * Source: Application Load Balancers User Guide, "Transforms for listener rules". */
#include "dataplane/transform.h"

#include "dataplane/text.h"

static bool rewrite_host(const struct dp_rewrite *w, const struct regex_scratch *s,
                         struct transformed *t)
{
    size_t n;
    int r = regex_replace(w->regex, t->head.host, w->by, s, t->host_room, sizeof t->host_room, &n);

    if (r > 0)
        t->host = str_n(t->host_room, n);
    return r == 0 || (r > 0 && n > 0);
}

static bool rewrite_url(const struct dp_rewrite *w, const struct regex_scratch *s,
                        struct transformed *t)
{
    char was_room[TRANSFORM_URL_ROOM];
    struct text was = {.at = was_room, .room = sizeof was_room};
    struct str url;
    size_t n;
    int r;

    text_add(&was, t->head.path);
    if (t->head.has_query) {
        text_add(&was, S("?"));
        text_add(&was, t->head.query);
    }
    if (was.full)
        return false;
    r = regex_replace(w->regex, str_n(was.at, was.n), w->by, s, t->url_room, sizeof t->url_room,
                      &n);
    if (r <= 0)
        return r == 0;
    url = str_n(t->url_room, n);
    /* It becomes a request line: nothing in it may end that. */
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)url.at[i] <= ' ' || url.at[i] == 0x7f)
            return false;
    t->head.target = t->head.path = url;
    t->head.query = t->head.authority = (struct str){0};
    t->head.has_query = str_cut(url, '?', &t->head.path, &t->head.query);
    return n > 0 && url.at[0] == '/';
}

bool transform_apply(const struct dp_rule *rule, const struct request_head *h,
                     const struct regex_scratch *s, struct transformed *ret)
{
    ret->head = *h;
    ret->host = (struct str){0};
    return (rule->host_rewrite == NULL || rewrite_host(rule->host_rewrite, s, ret)) &&
           (rule->url_rewrite == NULL || rewrite_url(rule->url_rewrite, s, ret));
}
