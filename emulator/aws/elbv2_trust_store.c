/* Trust stores: bundles of CA certificates and revocation lists for mutual TLS. What the API reads
 * from S3 is read from the folder that stands for it.
 * Source: ELB API Reference 2015-12-01, CreateTrustStore and its like.
 * DIFFERS: the locations of GetTrustStoreCaCertificatesBundle and GetTrustStoreRevocationContent
 * are data URLs. */
#include "aws/elbv2.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "aws/aws.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/macros.h"

enum { MOST_CERTIFICATES = 25, LARGEST_OBJECT = 1 << 20, MOST_REVOCATIONS = 30 };

/* --- S3 -------------------------------------------------------------------------------------- */

/* No way out of the folder. */
static bool is_plain_path(struct str s)
{
    struct str rest = s, part;

    if (s.n == 0 || s.at[0] == '/')
        return false;
    while (str_next(&rest, '/', &part))
        if (str_is(part, "..") || str_is(part, ".") || str_chr(part, '\0') != STR_NONE)
            return false;
    return true;
}

int elb_read_object(struct call *c, struct str bucket, struct str key, struct str *ret_text)
{
    struct str folder = aws_options_of(c->aws)->s3_folder, text = {0}, path;
    int r;

    *ret_text = (struct str){0};
    if (!is_plain_path(bucket) || str_chr(bucket, '/') != STR_NONE || !is_plain_path(key))
        return 0;
    path = arena_printf(c->arena, "%.*s/%.*s/%.*s", STR_ARG(folder), STR_ARG(bucket), STR_ARG(key));
    r = file_read(c->arena, path.at, LARGEST_OBJECT, &text);
    if (r == 0)
        *ret_text = arena_str(c->arena, text);
    return 0; /* what cannot be read is not there */
}

/* --- PEM ------------------------------------------------------------------------------------- */

/* How many certificates a bundle has; 0 for one that holds anything that is none. */
static int64_t count_certificates(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.n);
    int64_t n = 0;
    X509 *one;

    while (bio != NULL && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        n++;
        X509_free(one);
    }
    BIO_free(bio);
    return str_find(pem, S("PRIVATE KEY")) != STR_NONE ? 0 : n;
}

/* How many certificates a revocation list revokes; -1 where it is none. */
static int64_t count_revoked(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.n);
    X509_CRL *crl = bio != NULL ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
    STACK_OF(X509_REVOKED) *revoked = crl != NULL ? X509_CRL_get_REVOKED(crl) : NULL;
    int64_t n = crl == NULL ? -1 : revoked == NULL ? 0 : sk_X509_REVOKED_num(revoked);

    X509_CRL_free(crl);
    BIO_free(bio);
    return n;
}

static int read_bundle(struct call *c, struct str bucket, struct str key, struct trust_store *t)
{
    int r = elb_read_object(c, bucket, key, &t->bundle);

    if (r != 0)
        return r;
    if (t->bundle.at == NULL)
        return elb_refuse(c, &elbv2_ca_certificates_bundle_not_found_exception,
                          "CA certificates bundle 's3://%.*s/%.*s' not found", STR_ARG(bucket),
                          STR_ARG(key));
    t->certificates = count_certificates(t->bundle);
    if (t->certificates == 0 || t->certificates > MOST_CERTIFICATES)
        return elb_refuse(c, &elbv2_invalid_ca_certificates_bundle_exception,
                          "The specified CA certificates bundle is in an invalid format, or "
                          "corrupt");
    return 0;
}

/* --- showing --------------------------------------------------------------------------------- */

int elb_need_trust_store(struct call *c, struct str arn, struct trust_store **ret)
{
    int r = elb_check_arn(c, arn, ELB_TRUST_STORE);

    *ret = NULL;
    if (r == 0)
        r = trust_store_find(c->store, c->arena, arn, ret);
    if (r == 0 && *ret == NULL)
        r = elb_refuse(c, &elbv2_trust_store_not_found_exception, "Trust store '%.*s' not found",
                       STR_ARG(arn));
    return r;
}

static int show(struct call *c, const struct trust_store *t, struct elbv2_trust_store *ret)
{
    struct trust_store_revocation *revocation = NULL;
    int64_t entries = 0;
    int r = trust_store_revocation_list(c->store, c->arena, t->arn, &revocation);

    for (; revocation != NULL; revocation = revocation->next)
        entries += revocation->entries;
    *ret = (struct elbv2_trust_store){
        .name = t->name,
        .trust_store_arn = t->arn,
        .status = t->status,
        .number_of_ca_certificates = OPT_INT(t->certificates),
        .total_revoked_entries = OPT_INT(entries),
    };
    return r;
}

/* --- creation and change --------------------------------------------------------------------- */

struct done elb_create_trust_store(struct call *c, const void *input)
{
    const struct elbv2_create_trust_store_input *in = input;
    struct elbv2_create_trust_store_output out = {0};
    struct trust_store t = {.account = c->account,
                            .region = c->region,
                            .name = in->name,
                            .status = S("ACTIVE")},
                       *other = NULL;
    int r = elb_check_name(c, "Trust store", in->name);

    if (r == 0)
        r = elb_check_tags(c, in->tags.at, in->tags.n);
    if (r == 0)
        r = trust_store_find_by_name(c->store, c->arena, c->account, c->region, in->name, &other);
    if (r == 0 && other != NULL)
        r = elb_refuse(c, &elbv2_duplicate_trust_store_name_exception,
                       "A trust store with the same name '%.*s' exists", STR_ARG(in->name));
    if (r == 0)
        r = read_bundle(c, in->ca_certificates_bundle_s3_bucket, in->ca_certificates_bundle_s3_key,
                        &t);
    if (r == 0) {
        t.arn = call_arn(c, "truststore/%.*s/%.*s", STR_ARG(t.name),
                         STR_ARG(ids_hex(c->ids, c->arena, 16)));
        r = trust_store_insert(c->store, &t);
    }
    if (r == 0)
        r = elb_put_tags(c, t.arn, in->tags.at, in->tags.n);
    out.trust_stores.at = arena_alloc(c->arena, sizeof *out.trust_stores.at);
    out.trust_stores.n = 1;
    if (r == 0) {
        t.status = S("CREATING");
        r = show(c, &t, out.trust_stores.at);
    }
    return elb_answer(c, r, &out);
}

struct done elb_modify_trust_store(struct call *c, const void *input)
{
    const struct elbv2_modify_trust_store_input *in = input;
    struct elbv2_modify_trust_store_output out = {0};
    struct trust_store *t = NULL;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = read_bundle(c, in->ca_certificates_bundle_s3_bucket, in->ca_certificates_bundle_s3_key,
                        t);
    if (r == 0)
        r = trust_store_update(c->store, t);
    out.trust_stores.at = arena_alloc(c->arena, sizeof *out.trust_stores.at);
    out.trust_stores.n = 1;
    if (r == 0)
        r = show(c, t, out.trust_stores.at);
    return elb_answer(c, r, &out);
}

struct done elb_delete_trust_store(struct call *c, const void *input)
{
    const struct elbv2_delete_trust_store_input *in = input;
    struct listener *user = NULL;
    struct trust_store *t = NULL;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = listener_list_by_trust_store(c->store, c->arena, t->arn, &user);
    if (r == 0 && user != NULL)
        r = elb_refuse(c, &elbv2_trust_store_in_use_exception,
                       "Trust store '%.*s' is currently in use by a listener", STR_ARG(t->arn));
    if (r == 0)
        r = tag_remove_all(c->store, t->arn);
    if (r == 0)
        r = trust_store_delete(c->store, t->arn);
    return elb_answer(c, r, NULL);
}

/* --- description ----------------------------------------------------------------------------- */

static int find_named(struct call *c, const struct elbv2_describe_trust_stores_input *in,
                      struct trust_store **ret_first)
{
    struct trust_store **tail = ret_first;
    int r = 0;

    for (size_t i = 0; r == 0 && i < in->trust_store_arns.n; i++) {
        r = elb_need_trust_store(c, in->trust_store_arns.at[i], tail);
        if (r == 0)
            tail = &(*tail)->next;
    }
    for (size_t i = 0; r == 0 && i < in->names.n; i++) {
        r = trust_store_find_by_name(c->store, c->arena, c->account, c->region, in->names.at[i],
                                     tail);
        if (r == 0 && *tail == NULL)
            r = elb_refuse(c, &elbv2_trust_store_not_found_exception,
                           "One or more trust stores not found");
        if (r == 0)
            tail = &(*tail)->next;
    }
    return r;
}

struct done elb_describe_trust_stores(struct call *c, const void *input)
{
    const struct elbv2_describe_trust_stores_input *in = input;
    struct elbv2_describe_trust_stores_output out = {0};
    struct trust_store *first = NULL;
    size_t all = 0, from = 0, n = 0;
    int r = in->trust_store_arns.n + in->names.n > 0
                ? find_named(c, in, &first)
                : trust_store_list(c->store, c->arena, c->account, c->region, &first);

    ELB_COUNT(all, first);
    if (r == 0)
        r = elb_page_list(c, in->marker, in->page_size, all, &from, &n, &out.next_marker);
    out.trust_stores.at = arena_array(c->arena, n, sizeof *out.trust_stores.at);
    for (; from > 0 && first != NULL; from--)
        first = first->next;
    for (; r == 0 && out.trust_stores.n < n; first = first->next)
        r = show(c, first, &out.trust_stores.at[out.trust_stores.n++]);
    return elb_answer(c, r, &out);
}

/* Load balancers whose listeners verify against the trust store, each once. */
static int list_users(struct call *c, struct str arn, struct str_list *ret)
{
    struct listener *l = NULL;
    size_t n = 0;
    int r = listener_list_by_trust_store(c->store, c->arena, arn, &l);

    ELB_COUNT(n, l);
    ret->at = arena_array(c->arena, n, sizeof *ret->at);
    for (; l != NULL; l = l->next)
        if (!elb_has(ret->at, ret->n, l->load_balancer))
            ret->at[ret->n++] = l->load_balancer;
    return r;
}

struct done elb_describe_trust_store_associations(struct call *c, const void *input)
{
    const struct elbv2_describe_trust_store_associations_input *in = input;
    struct elbv2_describe_trust_store_associations_output out = {0};
    struct str_list users = {0};
    struct trust_store *t = NULL;
    size_t from = 0, n = 0;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = list_users(c, t->arn, &users);
    if (r == 0)
        r = elb_page_list(c, in->marker, in->page_size, users.n, &from, &n, &out.next_marker);
    out.trust_store_associations.at =
        arena_array(c->arena, n, sizeof *out.trust_store_associations.at);
    for (size_t i = 0; i < n; i++)
        out.trust_store_associations.at[out.trust_store_associations.n++].resource_arn =
            users.at[from + i];
    return elb_answer(c, r, &out);
}

/* Nothing is shared between accounts here: an association is of the same account, or none. */
struct done elb_delete_shared_trust_store_association(struct call *c, const void *input)
{
    const struct elbv2_delete_shared_trust_store_association_input *in = input;
    struct str_list users = {0};
    struct trust_store *t = NULL;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = list_users(c, t->arn, &users);
    if (r == 0 && elb_has(users.at, users.n, in->resource_arn))
        r = elb_refuse(c, &elbv2_delete_association_same_account_exception,
                       "The specified association can't be within the same account");
    else if (r == 0)
        r = elb_refuse(c, &elbv2_trust_store_association_not_found_exception,
                       "The specified association does not exist");
    return elb_answer(c, r, NULL);
}

static int locate(struct call *c, struct str text, struct str *ret_location)
{
    *ret_location = arena_printf(c->arena, "data:application/x-pem-file;base64,%.*s",
                                 STR_ARG(base64_encode(c->arena, text)));
    return 0;
}

struct done elb_get_trust_store_ca_certificates_bundle(struct call *c, const void *input)
{
    const struct elbv2_get_trust_store_ca_certificates_bundle_input *in = input;
    struct elbv2_get_trust_store_ca_certificates_bundle_output out = {0};
    struct trust_store *t = NULL;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    return elb_answer(c, r == 0 ? locate(c, t->bundle, &out.location) : r, &out);
}

/* --- revocations ----------------------------------------------------------------------------- */

static int find_revocation(struct call *c, const struct trust_store_revocation *first, int64_t id,
                           const struct trust_store_revocation **ret)
{
    for (*ret = first; *ret != NULL; *ret = (*ret)->next)
        if ((*ret)->id == id)
            return 0;
    return elb_refuse(c, &elbv2_revocation_id_not_found_exception,
                      "The specified revocation ID '%lld' does not exist", (long long)id);
}

static int add_revocation(struct call *c, const struct trust_store *t,
                          const struct elbv2_revocation_content *in, int64_t id,
                          struct elbv2_trust_store_revocation *ret)
{
    struct trust_store_revocation row = {.trust_store = t->arn, .id = id};
    int r = elb_read_object(c, in->s3_bucket, in->s3_key, &row.content);

    row.type = in->revocation_type.n > 0 ? in->revocation_type : S("CRL");
    if (r == 0 && row.content.at == NULL)
        r = elb_refuse(c, &elbv2_revocation_content_not_found_exception,
                       "Revocation file 's3://%.*s/%.*s' not found", STR_ARG(in->s3_bucket),
                       STR_ARG(in->s3_key));
    if (r != 0)
        return r;
    row.entries = count_revoked(row.content);
    if (row.entries < 0)
        return elb_refuse(c, &elbv2_invalid_revocation_content_exception,
                          "The provided revocation file is in an invalid format, or uses an "
                          "incorrect algorithm");
    *ret =
        (struct elbv2_trust_store_revocation){t->arn, OPT_INT(id), row.type, OPT_INT(row.entries)};
    return trust_store_revocation_insert(c->store, &row);
}

struct done elb_add_trust_store_revocations(struct call *c, const void *input)
{
    const struct elbv2_add_trust_store_revocations_input *in = input;
    struct elbv2_add_trust_store_revocations_output out = {0};
    struct trust_store_revocation *have = NULL;
    struct trust_store *t = NULL;
    int64_t next = 1;
    size_t n = 0;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = trust_store_revocation_list(c->store, c->arena, t->arn, &have);
    ELB_COUNT(n, have);
    for (; have != NULL; have = have->next)
        next = have->id >= next ? have->id + 1 : next;
    if (r == 0 && n + in->revocation_contents.n > MOST_REVOCATIONS)
        r = elb_refuse(c, &elbv2_too_many_trust_store_revocation_entries_exception,
                       "The specified trust store has too many revocation entries");
    out.trust_store_revocations.at =
        arena_array(c->arena, in->revocation_contents.n, sizeof *out.trust_store_revocations.at);
    for (size_t i = 0; r == 0 && i < in->revocation_contents.n; i++)
        r = add_revocation(c, t, &in->revocation_contents.at[i], next++,
                           &out.trust_store_revocations.at[out.trust_store_revocations.n++]);
    return elb_answer(c, r, &out);
}

struct done elb_remove_trust_store_revocations(struct call *c, const void *input)
{
    const struct elbv2_remove_trust_store_revocations_input *in = input;
    const struct trust_store_revocation *one;
    struct trust_store_revocation *have = NULL;
    struct trust_store *t = NULL;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = trust_store_revocation_list(c->store, c->arena, t->arn, &have);
    for (size_t i = 0; r == 0 && i < in->revocation_ids.n; i++) {
        r = find_revocation(c, have, in->revocation_ids.at[i], &one);
        if (r == 0)
            r = trust_store_revocation_remove(c->store, t->arn, one->id);
    }
    return elb_answer(c, r, NULL);
}

struct done elb_describe_trust_store_revocations(struct call *c, const void *input)
{
    const struct elbv2_describe_trust_store_revocations_input *in = input;
    struct elbv2_describe_trust_store_revocations_output out = {0};
    struct elbv2_describe_trust_store_revocation *at;
    const struct trust_store_revocation *one;
    struct trust_store_revocation *have = NULL;
    struct trust_store *t = NULL;
    size_t all = 0, from = 0, n = 0;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = trust_store_revocation_list(c->store, c->arena, t->arn, &have);
    for (size_t i = 0; r == 0 && i < in->revocation_ids.n; i++)
        r = find_revocation(c, have, in->revocation_ids.at[i], &one);
    ELB_COUNT(all, have);
    at = arena_array(c->arena, all, sizeof *at);
    for (one = have; one != NULL; one = one->next) {
        bool wanted = in->revocation_ids.n == 0;

        for (size_t i = 0; i < in->revocation_ids.n; i++)
            wanted = wanted || in->revocation_ids.at[i] == one->id;
        if (wanted)
            at[n++] = (struct elbv2_describe_trust_store_revocation){
                t->arn, OPT_INT(one->id), one->type, OPT_INT(one->entries)};
    }
    if (r == 0)
        r = elb_page_list(c, in->marker, in->page_size, n, &from, &n, &out.next_marker);
    out.trust_store_revocations.at = at + from;
    out.trust_store_revocations.n = n;
    return elb_answer(c, r, &out);
}

struct done elb_get_trust_store_revocation_content(struct call *c, const void *input)
{
    const struct elbv2_get_trust_store_revocation_content_input *in = input;
    struct elbv2_get_trust_store_revocation_content_output out = {0};
    const struct trust_store_revocation *one = NULL;
    struct trust_store_revocation *have = NULL;
    struct trust_store *t = NULL;
    int r = elb_need_trust_store(c, in->trust_store_arn, &t);

    if (r == 0)
        r = trust_store_revocation_list(c->store, c->arena, t->arn, &have);
    if (r == 0)
        r = find_revocation(c, have, in->revocation_id.v, &one);
    return elb_answer(c, r == 0 ? locate(c, one->content, &out.location) : r, &out);
}

/* Policies come with sharing between accounts; there are none. */
struct done elb_get_resource_policy(struct call *c, const void *input)
{
    const struct elbv2_get_resource_policy_input *in = input;
    struct trust_store *t = NULL;
    int r = elb_check_arn(c, in->resource_arn, ELB_TRUST_STORE);

    if (r == 0)
        r = trust_store_find(c->store, c->arena, in->resource_arn, &t);
    if (r == 0)
        r = elb_refuse(c, &elbv2_resource_not_found_exception, "%s '%.*s' not found",
                       t != NULL ? "Resource policy of" : "Resource", STR_ARG(in->resource_arn));
    return elb_answer(c, r, NULL);
}
