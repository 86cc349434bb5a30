/* Server certificates, which load balancers may use by their ARNs. Source: IAM API Reference,
 * UploadServerCertificate and its kin. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

#include <openssl/pem.h>
#include <time.h>

#include "net/ca.h"

/* --- X.509 ----------------------------------------------------------------------------------- */

static void bio_freep(BIO **bio)
{
    BIO_free_all(*bio);
}

static bool is_certificate(struct str pem)
{
    CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.n);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    X509_free(x);
    return x != NULL;
}

static bool is_key(struct str pem)
{
    CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    EVP_PKEY_free(key);
    return key != NULL;
}

static int64_t expiry_of(const struct certificate *certificate)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate->leaf), &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm) * 1000;
}

static bool read_certificate(struct call *c, const struct iam_upload_server_certificate_request *in,
                             int64_t *ret_expires, struct done *ret_done)
{
    struct certificate *certificate;

    if (!is_certificate(in->certificate_body))
        *ret_done = call_fault(c, &iam_malformed_certificate_exception,
                               "Unable to parse certificate. Please ensure the certificate is in "
                               "PEM format.");
    else if (in->certificate_chain.n > 0 && !is_certificate(in->certificate_chain))
        *ret_done = call_fault(c, &iam_malformed_certificate_exception,
                               "Unable to parse certificate chain. Please ensure the chain is in "
                               "PEM format.");
    else if (!is_key(in->private_key))
        *ret_done = call_fault(c, &iam_malformed_certificate_exception,
                               "Unable to parse key. Please ensure the key is in unencrypted PEM "
                               "format.");
    else if (certificate_load(in->private_key, in->certificate_body, &certificate) < 0)
        *ret_done = call_fault(c, &iam_key_pair_mismatch_exception,
                               "Public key certificate and private key doesn't match.");
    else {
        *ret_expires = expiry_of(certificate);
        certificate_free(certificate);
        return true;
    }
    return false;
}

/* --- the operations -------------------------------------------------------------------------- */

static struct iam_server_certificate_metadata view_metadata(const struct iam_certificate *p)
{
    return (struct iam_server_certificate_metadata){
        .path = p->path,
        .server_certificate_name = p->name,
        .server_certificate_id = p->id,
        .arn = p->arn,
        .upload_date = OPT_INT(p->uploaded),
        .expiration = OPT_INT(p->expires),
    };
}

static struct done already_exists(struct call *c, struct str name)
{
    return call_fault(c, &iam_entity_already_exists_exception,
                      "The Server Certificate with name %.*s already exists.", STR_ARG(name));
}

struct done iam_upload_server_certificate(struct call *c, const void *input)
{
    const struct iam_upload_server_certificate_request *in = input;
    struct iam_upload_server_certificate_response out = {0};
    struct iam_server_certificate_metadata view;
    struct iam_certificate *old = NULL, p = {
                                            .account = c->account,
                                            .name = in->server_certificate_name,
                                            .path = in->path.n > 0 ? in->path : S("/"),
                                            .uploaded = c->now,
                                            .body = in->certificate_body,
                                            .chain = in->certificate_chain,
                                            .key = in->private_key,
                                        };
    struct done done;
    int r;

    if (!read_certificate(c, in, &p.expires, &done) ||
        !iam_tags_are_good(c, in->tags.at, in->tags.n, 0, &done))
        return done;
    r = iam_certificate_find(c->store, c->arena, c->account, p.name, &old);
    if (r == 0 && old != NULL)
        return already_exists(c, p.name);
    p.id = iam_new_id(c, "ASCA");
    p.arn = iam_arn(c, "server-certificate", p.path, p.name);
    if (r == 0)
        r = iam_certificate_insert(c->store, &p);
    if (r == 0)
        r = iam_put_tags(c, p.arn, in->tags.at, in->tags.n);
    if (r < 0)
        return call_fail(c, r);
    view = view_metadata(&p);
    out.server_certificate_metadata = &view;
    if (in->tags.n > 0)
        IAM_SET_TAGS(out, iam_view_tags(c, p.arn));
    return call_reply(c, &out);
}

struct done iam_get_server_certificate(struct call *c, const void *input)
{
    const struct iam_get_server_certificate_request *in = input;
    struct iam_server_certificate_metadata metadata;
    struct iam_server_certificate view = {.server_certificate_metadata = &metadata};
    struct iam_get_server_certificate_response out = {.server_certificate = &view};
    struct iam_certificate *p;
    struct done done;

    if (!iam_need_certificate(c, in->server_certificate_name, &p, &done))
        return done;
    metadata = view_metadata(p);
    view.certificate_body = p->body;
    if (p->chain.n > 0)
        view.certificate_chain = p->chain;
    IAM_SET_TAGS(view, iam_view_tags(c, p->arn));
    return call_reply(c, &out);
}

struct done iam_list_server_certificates(struct call *c, const void *input)
{
    const struct iam_list_server_certificates_request *in = input;
    struct iam_list_server_certificates_response out = {0};
    struct iam_certificate *all = NULL;
    struct iam_page page;
    struct done done;
    int r = iam_certificate_list(c->store, c->arena, c->account, in->path_prefix, &all);

    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, all, offsetof(struct iam_certificate, name), in->marker, in->max_items,
                     &page, &done))
        return done;
    out.server_certificate_metadata_list.at =
        arena_array(c->arena, page.n, sizeof *out.server_certificate_metadata_list.at);
    for (const struct iam_certificate *p = page.first;
         out.server_certificate_metadata_list.n < page.n; p = p->next)
        out.server_certificate_metadata_list.at[out.server_certificate_metadata_list.n++] =
            view_metadata(p);
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

struct done iam_update_server_certificate(struct call *c, const void *input)
{
    const struct iam_update_server_certificate_request *in = input;
    struct iam_certificate *p, *other = NULL;
    struct str old_name, old_arn;
    struct done done;
    int r = 0;

    if (!iam_need_certificate(c, in->server_certificate_name, &p, &done))
        return done;
    old_name = p->name;
    old_arn = p->arn;
    if (in->new_path.n > 0)
        p->path = in->new_path;
    if (in->new_server_certificate_name.n > 0)
        p->name = in->new_server_certificate_name;
    if (!str_ieq(p->name, old_name))
        r = iam_certificate_find(c->store, c->arena, c->account, p->name, &other);
    if (r == 0 && other != NULL)
        return already_exists(c, p->name);
    p->arn = iam_arn(c, "server-certificate", p->path, p->name);
    if (r == 0)
        r = iam_certificate_update(c->store, old_name, p);
    if (r == 0)
        r = iam_move_tags(c, old_arn, p->arn);
    return iam_answer(c, r);
}

struct done iam_delete_server_certificate(struct call *c, const void *input)
{
    const struct iam_delete_server_certificate_request *in = input;
    struct iam_certificate *p;
    struct done done;

    if (!iam_need_certificate(c, in->server_certificate_name, &p, &done))
        return done;
    return iam_answer(c, iam_certificate_delete(c->store, p));
}
