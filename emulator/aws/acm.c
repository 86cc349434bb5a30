/* AWS Certificate Manager: listing, showing, tagging, deleting.
 * Source: ACM API Reference, 2015-12-08; reference section 7. */
#include "aws/acm.h"

#include <openssl/pem.h>
#include <stdlib.h>

#include "aws/x509.h"
#include "store/elbv2.h"
#include "store/tag.h"
#include "store/tls_material.h"

enum { MOST_TAGS = 50, MOST_NAMES_OF_SUMMARY = 100 };

bool acm_failed(struct call *c, int error, struct done *ret_done)
{
    *ret_done = call_fail(c, error);
    return false;
}

/* --- finding --------------------------------------------------------------------------------- */

static bool is_arn(struct call *c, struct str arn)
{
    struct str prefix = arena_printf(c->arena, "arn:%.*s:acm:", STR_ARG(c->partition));

    return str_starts(arn, prefix) && str_find(arn, S(":certificate/")) != STR_NONE;
}

static void read_row(struct call *c, struct resource *resource, struct acm_row *ret_row)
{
    struct tls_material *material = NULL;

    ret_row->resource = resource;
    ret_row->detail = document_read(c->arena, &acm_certificate_detail_shape, resource->document);
    if (tls_material_find(c->store, c->arena, resource->arn, &material) == 0 && material != NULL)
        ret_row->chain = material->chain;
}

bool acm_need(struct call *c, struct str arn, struct acm_row *ret_row, struct done *ret_done)
{
    struct resource *resource = NULL;
    int r;

    if (!is_arn(c, arn)) {
        *ret_done =
            call_fault(c, &acm_invalid_arn_exception, "%.*s is not a valid ARN.", STR_ARG(arn));
        return false;
    }
    r = resource_find(c->store, c->arena, ACM_CERTIFICATE, arn, &resource);
    if (r < 0)
        return acm_failed(c, r, ret_done);
    if (resource == NULL || !str_eq(resource->account, c->account) ||
        !str_eq(resource->region, c->region)) {
        *ret_done = call_fault(c, &acm_resource_not_found_exception,
                               "Could not find certificate %.*s.", STR_ARG(arn));
        return false;
    }
    *ret_row = (struct acm_row){0};
    read_row(c, resource, ret_row);
    return true;
}

int acm_users(struct call *c, struct str arn, struct str_list *ret_arns)
{
    struct load_balancer *first = NULL;
    size_t n = 0;
    int r = load_balancer_list_by_certificate(c->store, c->arena, arn, &first);

    for (const struct load_balancer *lb = first; lb != NULL; lb = lb->next)
        n++;
    *ret_arns = (struct str_list){arena_array(c->arena, n + 1, sizeof(struct str)), 0};
    for (const struct load_balancer *lb = first; lb != NULL; lb = lb->next)
        ret_arns->at[ret_arns->n++] = lb->arn;
    return r;
}

/* --- showing --------------------------------------------------------------------------------- */

static struct done describe_certificate(struct call *c, const void *input)
{
    const struct acm_describe_certificate_request *in = input;
    struct acm_describe_certificate_response out = {0};
    struct acm_row row;
    struct done done;
    int r;

    if (!acm_need(c, in->certificate_arn, &row, &done))
        return done;
    r = acm_users(c, row.resource->arn, &row.detail->in_use_by);
    if (str_is(row.detail->type, "AMAZON_ISSUED"))
        row.detail->renewal_eligibility =
            row.detail->in_use_by.n > 0 ? S("ELIGIBLE") : S("INELIGIBLE");
    if (row.detail->not_after.set && row.detail->not_after.v < c->now)
        row.detail->status = S("EXPIRED");
    out.certificate = row.detail;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* The chain's text behind its first certificate. */
static struct str behind_leaf(struct str chain)
{
    static const char end[] = "-----END CERTIFICATE-----\n";
    size_t at = str_find(chain, str_c(end));

    return at == STR_NONE ? (struct str){0} : str_from(chain, at + sizeof end - 1);
}

static struct done get_certificate(struct call *c, const void *input)
{
    const struct acm_get_certificate_request *in = input;
    struct acm_get_certificate_response out = {0};
    struct str issuers;
    struct acm_row row;
    struct done done;

    if (!acm_need(c, in->certificate_arn, &row, &done))
        return done;
    if (row.chain.n == 0)
        return call_fault(c, &acm_request_in_progress_exception,
                          "The certificate request is in progress, please try again later.");
    issuers = behind_leaf(row.chain);
    out.certificate = str_first(row.chain, row.chain.n - issuers.n);
    if (issuers.n > 0)
        out.certificate_chain = issuers;
    return call_reply(c, &out);
}

/* --- listing --------------------------------------------------------------------------------- */

static bool has_word(const struct str_list *words, struct str word)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(words->at[i], word))
            return true;
    return false;
}

/* "RSA_2048" of "RSA-2048": filters and details word algorithms in two ways. */
static struct str filter_word(struct call *c, struct str algorithm)
{
    char *text = arena_cstr(c->arena, algorithm);

    for (char *at = text; *at != '\0'; at++)
        *at = *at == '-' ? '_' : *at;
    return str_c(text);
}

static bool is_wanted(struct call *c, const struct acm_list_certificates_request *in,
                      const struct acm_certificate_detail *d)
{
    struct str algorithm = filter_word(c, d->key_algorithm);
    struct str status = d->not_after.set && d->not_after.v < c->now ? S("EXPIRED") : d->status;

    if (in->certificate_statuses.n > 0 && !has_word(&in->certificate_statuses, status))
        return false;
    if (in->includes != NULL && in->includes->key_types.n > 0)
        return has_word(&in->includes->key_types, algorithm);
    /* Without a wish, the two that clients of old know. */
    return str_is(algorithm, "RSA_1024") || str_is(algorithm, "RSA_2048");
}

static int summary_of(struct call *c, const struct acm_row *row,
                      struct acm_certificate_summary *ret_summary)
{
    const struct acm_certificate_detail *d = row->detail;
    struct str_list users;
    int r = acm_users(c, row->resource->arn, &users);
    size_t n = d->subject_alternative_names.n;

    *ret_summary = (struct acm_certificate_summary){
        .certificate_arn = d->certificate_arn,
        .domain_name = d->domain_name,
        .subject_alternative_name_summaries = {d->subject_alternative_names.at,
                                               n < MOST_NAMES_OF_SUMMARY ? n
                                                                         : MOST_NAMES_OF_SUMMARY},
        .has_additional_subject_alternative_names = OPT_BOOL(n > MOST_NAMES_OF_SUMMARY),
        .status = d->not_after.set && d->not_after.v < c->now ? S("EXPIRED") : d->status,
        .type = d->type,
        .key_algorithm = d->key_algorithm,
        .in_use = OPT_BOOL(r == 0 && users.n > 0),
        .renewal_eligibility =
            str_is(d->type, "AMAZON_ISSUED") && users.n > 0 ? S("ELIGIBLE") : S("INELIGIBLE"),
        .not_before = d->not_before,
        .not_after = d->not_after,
        .created_at = d->created_at,
        .issued_at = d->issued_at,
        .imported_at = d->imported_at,
    };
    ret_summary->key_usages =
        (struct str_list){arena_array(c->arena, d->key_usages.n + 1, sizeof(struct str)), 0};
    for (size_t i = 0; i < d->key_usages.n; i++)
        ret_summary->key_usages.at[ret_summary->key_usages.n++] = d->key_usages.at[i].name;
    ret_summary->extended_key_usages = (struct str_list){
        arena_array(c->arena, d->extended_key_usages.n + 1, sizeof(struct str)), 0};
    for (size_t i = 0; i < d->extended_key_usages.n; i++)
        ret_summary->extended_key_usages.at[ret_summary->extended_key_usages.n++] =
            d->extended_key_usages.at[i].name;
    return r;
}

static int newest_first(const void *left, const void *right)
{
    const struct acm_certificate_summary *l = left, *r = right;

    return l->created_at.v > r->created_at.v ? -1 : l->created_at.v < r->created_at.v;
}

static struct done list_certificates(struct call *c, const void *input)
{
    const struct acm_list_certificates_request *in = input;
    struct acm_list_certificates_response out = {0};
    struct acm_certificate_summary *all;
    struct resource *first = NULL;
    struct page page;
    size_t n = 0;
    int r = resource_list(c->store, c->arena, ACM_CERTIFICATE, c->account, c->region, &first);

    if (in->sort_by.n > 0 && in->sort_order.n == 0)
        return call_fault(c, &acm_invalid_args_exception,
                          "SortOrder must be specified when SortBy is.");
    for (const struct resource *one = first; one != NULL; one = one->next)
        n++;
    all = arena_array(c->arena, n + 1, sizeof *all);
    n = 0;
    for (struct resource *one = first; r == 0 && one != NULL; one = one->next) {
        struct acm_row row = {0};

        read_row(c, one, &row);
        if (is_wanted(c, in, row.detail))
            r = summary_of(c, &row, &all[n++]);
    }
    if (r < 0)
        return call_fail(c, r);
    if (str_is(in->sort_order, "DESCENDING"))
        qsort(all, n, sizeof *all, newest_first);
    if (!page_cut(c, in->next_token, in->max_items, n, &page))
        return call_fault(c, &acm_validation_exception, "Invalid NextToken");
    out.certificate_summary_list.at = all + page.from;
    out.certificate_summary_list.n = page.n;
    out.next_token = page.next;
    return call_reply(c, &out);
}

/* --- changing -------------------------------------------------------------------------------- */

static struct done delete_certificate(struct call *c, const void *input)
{
    const struct acm_delete_certificate_request *in = input;
    struct str_list users;
    struct acm_row row;
    struct done done;
    int r;

    if (!acm_need(c, in->certificate_arn, &row, &done))
        return done;
    r = acm_users(c, row.resource->arn, &users);
    if (r == 0 && users.n > 0)
        return call_fault(c, &acm_resource_in_use_exception,
                          "Certificate %.*s in account %.*s is in use.", STR_ARG(row.resource->arn),
                          STR_ARG(c->account));
    if (r == 0)
        r = resource_delete(c->store, ACM_CERTIFICATE, row.resource->arn);
    if (r == 0)
        r = tls_material_remove(c->store, row.resource->arn);
    if (r == 0)
        r = tag_remove_all(c->store, row.resource->arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, NULL);
}

static struct done update_certificate_options(struct call *c, const void *input)
{
    const struct acm_update_certificate_options_request *in = input;
    struct acm_row row;
    struct done done;
    int r;

    if (!acm_need(c, in->certificate_arn, &row, &done))
        return done;
    if (str_is(row.detail->type, "IMPORTED"))
        return call_fault(c, &acm_invalid_state_exception,
                          "Certificate %.*s is imported: its options cannot be changed.",
                          STR_ARG(row.resource->arn));
    row.detail->options = in->options;
    row.resource->document = document_write(c->arena, &acm_certificate_detail_shape, row.detail);
    r = resource_update(c->store, row.resource);
    return r < 0 ? call_fail(c, r) : call_reply(c, NULL);
}

static void bio_freep(BIO **bio)
{
    BIO_free_all(*bio);
}

/* The key under the passphrase, as PKCS #8. */
static struct str encrypted_key(struct call *c, struct str pem, struct str passphrase)
{
    CLEANUP(x509_key_freep) EVP_PKEY *key = x509_key_from_pem(pem);
    CLEANUP(bio_freep) BIO *out = BIO_new(BIO_s_mem());
    char *text;
    long n;

    if (key == NULL || out == NULL ||
        PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), passphrase.at, (int)passphrase.n,
                                      NULL, NULL) != 1)
        return (struct str){0};
    n = BIO_get_mem_data(out, &text);
    return n > 0 ? arena_str(c->arena, str_n(text, (size_t)n)) : (struct str){0};
}

static struct done export_certificate(struct call *c, const void *input)
{
    const struct acm_export_certificate_request *in = input;
    struct acm_export_certificate_response out = {0};
    struct acm_row row;
    struct str issuers;
    struct done done;

    if (!acm_need(c, in->certificate_arn, &row, &done))
        return done;
    if (row.detail->options == NULL || !str_is(row.detail->options->export, "ENABLED"))
        return call_fault(c, &acm_validation_exception,
                          "Certificate ARN: %.*s is not a private certificate",
                          STR_ARG(row.resource->arn));
    issuers = behind_leaf(row.chain);
    out.certificate = str_first(row.chain, row.chain.n - issuers.n);
    out.certificate_chain = issuers;
    out.private_key = encrypted_key(c, row.resource->secret, in->passphrase);
    return call_reply(c, &out);
}

/* --- tags ------------------------------------------------------------------------------------ */

bool acm_put_tags(struct call *c, struct str arn, const struct acm_tag *tags, size_t n,
                  struct done *ret_done)
{
    int64_t count = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        if (str_starts(tags[i].key, S("aws:"))) {
            *ret_done = call_fault(c, &acm_invalid_tag_exception,
                                   "aws: prefixed tag key names are not allowed for external use.");
            return false;
        }
        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = c->region,
                                            .arn = arn,
                                            .key = tags[i].key,
                                            .value = tags[i].value});
    }
    if (r == 0)
        r = tag_count(c->store, c->arena, arn, &count);
    if (r < 0)
        return acm_failed(c, r, ret_done);
    if (count <= MOST_TAGS)
        return true;
    *ret_done = call_fault(c, &acm_too_many_tags_exception,
                           "the TagSet: exceeds the limit of %d tags", MOST_TAGS);
    return false;
}

static struct done add_tags_to_certificate(struct call *c, const void *input)
{
    const struct acm_add_tags_to_certificate_request *in = input;
    struct acm_row row;
    struct done done;

    if (!acm_need(c, in->certificate_arn, &row, &done) ||
        !acm_put_tags(c, row.resource->arn, in->tags.at, in->tags.n, &done))
        return done;
    return call_reply(c, NULL);
}

static struct done remove_tags_from_certificate(struct call *c, const void *input)
{
    const struct acm_remove_tags_from_certificate_request *in = input;
    struct acm_row row;
    struct done done;
    int r = 0;

    if (!acm_need(c, in->certificate_arn, &row, &done))
        return done;
    for (size_t i = 0; r == 0 && i < in->tags.n; i++) {
        struct tag *have = NULL;

        r = tag_list(c->store, c->arena, c->account, c->region, row.resource->arn, &have);
        for (; r == 0 && have != NULL; have = have->next)
            if (str_eq(have->key, in->tags.at[i].key) &&
                (in->tags.at[i].value.at == NULL || str_eq(have->value, in->tags.at[i].value)))
                r = tag_remove(c->store, row.resource->arn, have->key);
    }
    return r < 0 ? call_fail(c, r) : call_reply(c, NULL);
}

static struct done list_tags_for_certificate(struct call *c, const void *input)
{
    const struct acm_list_tags_for_certificate_request *in = input;
    struct acm_list_tags_for_certificate_response out = {0};
    struct tag *first = NULL;
    struct acm_row row;
    struct done done;
    size_t n = 0;
    int r;

    if (!acm_need(c, in->certificate_arn, &row, &done))
        return done;
    r = tag_list(c->store, c->arena, c->account, c->region, row.resource->arn, &first);
    for (const struct tag *t = first; t != NULL; t = t->next)
        n++;
    out.tags.at = arena_array(c->arena, n + 1, sizeof *out.tags.at);
    for (const struct tag *t = first; t != NULL; t = t->next)
        out.tags.at[out.tags.n++] = (struct acm_tag){t->key, t->value.n > 0 ? t->value : S("")};
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct aws_op ops[] = {
    {"AddTagsToCertificate",      add_tags_to_certificate,      "{CertificateArn}",                             OP_WRITES},
    {"DeleteCertificate",         delete_certificate,           "{CertificateArn}",                             OP_WRITES},
    {"DescribeCertificate",       describe_certificate,         "{CertificateArn}",                             0        },
    {"ExportCertificate",         export_certificate,           "{CertificateArn}",                             0        },
    {"GetCertificate",            get_certificate,              "{CertificateArn}",                             0        },
    {"ImportCertificate",         acm_import_certificate,
     "{CertificateArn=arn:aws:acm:{region}:{account}:certificate/*}",                                           OP_WRITES},
    {"ListCertificates",          list_certificates,            NULL,                                           0        },
    {"ListTagsForCertificate",    list_tags_for_certificate,    "{CertificateArn}",                             0        },
    {"RemoveTagsFromCertificate", remove_tags_from_certificate, "{CertificateArn}",                             OP_WRITES},
    {"RequestCertificate",        acm_request_certificate,      "arn:aws:acm:{region}:{account}:certificate/*",
     OP_WRITES                                                                                                           },
    {"UpdateCertificateOptions",  update_certificate_options,   "{CertificateArn}",                             OP_WRITES},
};

const struct aws_service acm_service = AWS_SERVICE(acm, "acm", ops);
