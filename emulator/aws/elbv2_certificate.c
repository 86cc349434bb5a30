/* Certificates of listeners.
 * Source: ELB API Reference 2015-12-01, AddListenerCertificates, RemoveListenerCertificates,
 * DescribeListenerCertificates. */
#include "aws/elbv2.h"

#include "base/macros.h"
#include "store/iam.h"

int elb_check_certificate(struct call *c, struct str arn)
{
    struct iam_certificate *found = NULL;
    bool ours = false;
    int r = 0;

    if (str_find(arn, S(":server-certificate/")) != STR_NONE)
        r = iam_certificate_find(c->store, c->arena, c->account,
                                 str_from(arn, str_rchr(arn, '/') + 1), &found);
    else
        ours = str_starts(arn, arena_printf(c->arena, "arn:%.*s:acm:%.*s:%.*s:certificate/",
                                            STR_ARG(c->partition), STR_ARG(c->region),
                                            STR_ARG(c->account)));
    if (r == 0 && !ours && (found == NULL || !str_eq(found->arn, arn)))
        r = elb_refuse(c, &elbv2_certificate_not_found_exception, "Certificate '%.*s' not found",
                       STR_ARG(arn));
    return r;
}

static int need_secure_listener(struct call *c, struct str arn, struct listener **ret)
{
    int r = elb_need_listener(c, arn, ret);

    if (r == 0 && !elb_is_word((*ret)->protocol, "HTTPS|TLS"))
        r = elb_refuse(c, &AWS_VALIDATION_ERROR,
                       "Certificates can only be specified for HTTPS and TLS listeners");
    return r;
}

static int check_given(struct call *c, const struct elbv2_certificate *at, size_t n)
{
    if (n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A certificate must be specified");
    for (size_t i = 0; i < n; i++) {
        if (at[i].certificate_arn.n == 0)
            return elb_refuse(c, &AWS_VALIDATION_ERROR, "A certificate ARN must be specified");
        if (at[i].is_default.set)
            return elb_refuse(c, &AWS_VALIDATION_ERROR,
                              "IsDefault cannot be specified for a certificate");
    }
    return 0;
}

static bool lists(const struct listener_certificate *first, struct str arn, bool is_default)
{
    for (; first != NULL; first = first->next)
        if (str_eq(first->certificate, arn) && first->is_default == is_default)
            return true;
    return false;
}

static int check_certificate_count(struct call *c, const struct listener *l)
{
    const char *limit = str_is(l->protocol, "TLS") ? "certificates-per-network-load-balancer"
                                                   : "certificates-per-application-load-balancer";
    struct listener_certificate *have = NULL;
    int64_t n = 0;
    int r = listener_certificate_list(c->store, c->arena, l->arn, &have);

    for (; have != NULL; have = have->next)
        n += !have->is_default;
    return r < 0 ? r : elb_check_limit(c, limit, n, &elbv2_too_many_certificates_exception);
}

struct done elb_add_listener_certificates(struct call *c, const void *input)
{
    const struct elbv2_add_listener_certificates_input *in = input;
    struct elbv2_add_listener_certificates_output out = {0};
    struct listener *l = NULL;
    int r = need_secure_listener(c, in->listener_arn, &l);

    if (r == 0)
        r = check_given(c, in->certificates.at, in->certificates.n);
    out.certificates.at = arena_array(c->arena, in->certificates.n, sizeof *out.certificates.at);
    for (size_t i = 0; r == 0 && i < in->certificates.n; i++) {
        struct listener_certificate row = {.listener = l->arn,
                                           .certificate = in->certificates.at[i].certificate_arn};
        struct listener_certificate *have = NULL;

        r = elb_check_certificate(c, row.certificate);
        if (r == 0)
            r = listener_certificate_list(c->store, c->arena, l->arn, &have);
        if (r == 0 && !lists(have, row.certificate, false))
            r = listener_certificate_put(c->store, &row);
        out.certificates.at[out.certificates.n++] =
            (struct elbv2_certificate){row.certificate, OPT_BOOL(false)};
    }
    if (r == 0)
        r = check_certificate_count(c, l);
    return elb_answer(c, r, &out);
}

struct done elb_remove_listener_certificates(struct call *c, const void *input)
{
    const struct elbv2_remove_listener_certificates_input *in = input;
    struct listener_certificate *have = NULL;
    struct listener *l = NULL;
    int r = need_secure_listener(c, in->listener_arn, &l);

    if (r == 0)
        r = check_given(c, in->certificates.at, in->certificates.n);
    if (r == 0)
        r = listener_certificate_list(c->store, c->arena, l->arn, &have);
    for (size_t i = 0; r == 0 && i < in->certificates.n; i++) {
        struct str arn = in->certificates.at[i].certificate_arn;

        if (lists(have, arn, true) && !lists(have, arn, false))
            r = elb_refuse(c, &elbv2_operation_not_permitted_exception,
                           "Default certificate cannot be removed");
        else
            r = listener_certificate_remove(c->store, l->arn, arn);
    }
    return elb_answer(c, r, NULL);
}

struct done elb_describe_listener_certificates(struct call *c, const void *input)
{
    const struct elbv2_describe_listener_certificates_input *in = input;
    struct elbv2_describe_listener_certificates_output out = {0};
    struct listener_certificate *first = NULL;
    struct elbv2_certificate *at;
    struct listener *l = NULL;
    size_t n = 0, from = 0;
    int r = elb_need_listener(c, in->listener_arn, &l);

    if (r == 0)
        r = listener_certificate_list(c->store, c->arena, l->arn, &first);
    ELB_COUNT(n, first);
    at = arena_array(c->arena, n, sizeof *at);
    n = 0;
    for (const struct listener_certificate *row = first; row != NULL; row = row->next)
        at[n++] = (struct elbv2_certificate){row->certificate, OPT_BOOL(row->is_default)};
    if (r == 0)
        r = elb_page_list(c, in->marker, in->page_size, n, &from, &n, &out.next_marker);
    out.certificates.at = at + from;
    out.certificates.n = n;
    return elb_answer(c, r, &out);
}
