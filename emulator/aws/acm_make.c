/* Certificates that come to ACM: imported ones, and requested ones, which Elbow's own authority
 * issues at once, so that listeners can really serve them.
 * Source: ACM API Reference, ImportCertificate, RequestCertificate. */
#include "aws/acm.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "aws/aws.h"
#include "aws/x509.h"
#include "base/sha.h"
#include "net/ca.h"
#include "store/tls_material.h"

enum { DAYS_VALID = 395, MOST_NAMES = 100 };

/* What every server certificate is for. */
static void add_usages(struct call *c, struct acm_certificate_detail *d)
{
    d->key_usages.at = arena_array(c->arena, 2, sizeof *d->key_usages.at);
    d->key_usages.at[0].name = S("DIGITAL_SIGNATURE");
    d->key_usages.at[1].name = S("KEY_ENCIPHERMENT");
    d->key_usages.n = 2;
    d->extended_key_usages.at = arena_alloc(c->arena, sizeof *d->extended_key_usages.at);
    d->extended_key_usages.at[0] = (struct acm_extended_key_usage){
        .name = S("TLS_WEB_SERVER_AUTHENTICATION"), .oid = S("1.3.6.1.5.5.7.3.1")};
    d->extended_key_usages.n = 1;
}

static void add_facts(struct call *c, struct acm_certificate_detail *d, X509 *leaf)
{
    struct x509_facts f = x509_read(c->arena, leaf);

    d->serial = f.serial;
    d->subject = f.subject;
    d->issuer = f.issuer;
    d->not_before = OPT_INT(f.not_before);
    d->not_after = OPT_INT(f.not_after);
    d->key_algorithm = f.key_algorithm;
    d->signature_algorithm = f.signature_algorithm;
    if (d->subject_alternative_names.n == 0)
        d->subject_alternative_names = f.names;
    if (d->domain_name.n == 0)
        d->domain_name = f.common_name.n > 0 ? f.common_name
                         : f.names.n > 0     ? f.names.at[0]
                                             : (struct str){0};
    if (d->subject_alternative_names.n == 0 && d->domain_name.n > 0) {
        d->subject_alternative_names.at = arena_alloc(c->arena, sizeof(struct str));
        d->subject_alternative_names.at[0] = d->domain_name;
        d->subject_alternative_names.n = 1;
    }
    add_usages(c, d);
}

static struct str new_arn(struct call *c)
{
    return call_arn(c, "certificate/%.*s", STR_ARG(ids_uuid(c->ids, c->arena)));
}

static int keep(struct call *c, const struct acm_certificate_detail *d, struct str chain,
                struct str key, struct str token, bool is_new)
{
    struct resource row = {
        .kind = S(ACM_CERTIFICATE),
        .arn = d->certificate_arn,
        .account = c->account,
        .region = c->region,
        .parent = token,
        .document = document_write(c->arena, &acm_certificate_detail_shape, d),
        .secret = key,
        .created = c->now,
    };
    struct tls_material material = {.arn = row.arn, .chain = chain, .private_key = key};
    int r = is_new ? resource_insert(c->store, &row) : resource_update(c->store, &row);

    return r < 0 ? r : tls_material_put(c->store, &material);
}

/* --- importing ------------------------------------------------------------------------------- */

static bool refuse(struct call *c, struct done *ret_done, const char *why)
{
    *ret_done = call_fault(c, &acm_validation_exception, "%s", why);
    return false;
}

/* Every certificate of the chain reads, and each is signed by the next. */
static bool chain_holds(struct call *c, X509 *leaf, struct str chain, struct done *ret_done)
{
    BIO *in = BIO_new_mem_buf(chain.at, (int)chain.n);
    X509 *below = leaf, *one;
    bool fine = true, any = false;

    X509_up_ref(leaf);
    while (fine && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        any = true;
        fine = X509_verify(below, X509_get0_pubkey(one)) == 1;
        X509_free(below);
        below = one;
    }
    X509_free(below);
    BIO_free_all(in);
    ERR_clear_error();
    if (!any)
        return refuse(c, ret_done, "The certificate chain field contains no certificates.");
    return fine || refuse(c, ret_done,
                          "Could not validate the certificate with the certificate "
                          "chain.");
}

static bool pair_holds(struct call *c, const struct acm_import_certificate_request *in, X509 *leaf,
                       struct done *ret_done)
{
    CLEANUP(x509_key_freep) EVP_PKEY *key = x509_key_from_pem(in->private_key);

    if (str_find(in->private_key, S("ENCRYPTED")) != STR_NONE)
        return refuse(c, ret_done, "Could not parse private key: the key is encrypted.");
    if (key == NULL)
        return refuse(c, ret_done, "The private key is not supported.");
    if (X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        return refuse(c, ret_done, "The private key does not match the certificate's public key.");
    }
    if (x509_read(c->arena, leaf).not_after < c->now)
        return refuse(c, ret_done, "The certificate has expired.");
    return in->certificate_chain.n == 0 || chain_holds(c, leaf, in->certificate_chain, ret_done);
}

/* A re-import keeps the ARN and replaces everything else. */
static bool arn_holds(struct call *c, const struct acm_import_certificate_request *in,
                      struct acm_certificate_detail *d, struct done *ret_done)
{
    struct acm_row row;

    if (in->certificate_arn.n == 0) {
        d->certificate_arn = new_arn(c);
        return true;
    }
    if (!acm_need(c, in->certificate_arn, &row, ret_done))
        return false;
    if (in->tags.n > 0) {
        *ret_done = call_fault(c, &acm_invalid_parameter_exception,
                               "Tagging is not permitted on re-import.");
        return false;
    }
    if (!str_is(row.detail->type, "IMPORTED")) {
        *ret_done = call_fault(c, &acm_validation_exception,
                               "Certificate %.*s was not imported: it cannot be re-imported.",
                               STR_ARG(in->certificate_arn));
        return false;
    }
    d->certificate_arn = in->certificate_arn;
    d->created_at = row.detail->created_at;
    return true;
}

struct done acm_import_certificate(struct call *c, const void *input)
{
    const struct acm_import_certificate_request *in = input;
    CLEANUP(x509_freep) X509 *leaf = x509_from_pem(in->certificate);
    struct acm_import_certificate_response out = {0};
    struct acm_certificate_detail d = {
        .status = S("ISSUED"),
        .type = S("IMPORTED"),
        .created_at = OPT_INT(c->now),
        .imported_at = OPT_INT(c->now),
        .renewal_eligibility = S("INELIGIBLE"),
    };
    struct acm_certificate_options options = {.certificate_transparency_logging_preference =
                                                  S("DISABLED")};
    struct str chain;
    struct done done;
    int r;

    if (leaf == NULL)
        return call_fault(c, &acm_validation_exception,
                          "The certificate field contains more than one certificate, or none. You "
                          "can specify only one certificate in this field.");
    if (!pair_holds(c, in, leaf, &done) || !arn_holds(c, in, &d, &done))
        return done;
    add_facts(c, &d, leaf);
    d.options = &options;
    chain = arena_printf(c->arena, "%.*s%.*s", STR_ARG(x509_to_pem(c->arena, leaf)),
                         STR_ARG(in->certificate_chain));
    r = keep(c, &d, chain, in->private_key, (struct str){0}, in->certificate_arn.n == 0);
    if (r < 0)
        return call_fail(c, r);
    if (!acm_put_tags(c, d.certificate_arn, in->tags.at, in->tags.n, &done))
        return done;
    out.certificate_arn = d.certificate_arn;
    return call_reply(c, &out);
}

/* --- requesting ------------------------------------------------------------------------------ */

static const struct key_row {
    const char *name, *group; /* group NULL: RSA */
    unsigned bits;
} keys[] = {
    {"RSA_2048",      NULL,    2048},
    {"RSA_1024",      NULL,    1024},
    {"RSA_3072",      NULL,    3072},
    {"RSA_4096",      NULL,    4096},
    {"EC_prime256v1", "P-256", 0   },
    {"EC_secp384r1",  "P-384", 0   },
    {"EC_secp521r1",  "P-521", 0   },
};

/* An RSA key of 2048 bits takes some tens of milliseconds, which the answer waits for: who asks for
 * a certificate asks for it to be there. */
static EVP_PKEY *make_key(struct str algorithm)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (str_is(algorithm, keys[i].name))
            return keys[i].group != NULL ? EVP_EC_gen(keys[i].group) : EVP_RSA_gen(keys[i].bits);
    return EVP_RSA_gen(keys[0].bits);
}

/* The domain first, then the others, each once. */
static struct str_list all_names(struct call *c, const struct acm_request_certificate_request *in)
{
    size_t most = in->subject_alternative_names.n + 1;
    struct str_list names = {arena_array(c->arena, most, sizeof(struct str)), 0};

    names.at[names.n++] = in->domain_name;
    for (size_t i = 0; i < in->subject_alternative_names.n; i++) {
        bool again = false;

        for (size_t k = 0; k < names.n; k++)
            again = again || str_ieq(names.at[k], in->subject_alternative_names.at[i]);
        if (!again)
            names.at[names.n++] = in->subject_alternative_names.at[i];
    }
    return names;
}

/* A DNS record that would prove the domain to be the caller's; settled by the domain and the
 * account, as on AWS. */
static struct acm_resource_record *proof_of(struct call *c, struct str domain)
{
    struct acm_resource_record *record = arena_alloc(c->arena, sizeof *record);
    struct str bare = str_starts(domain, S("*.")) ? str_from(domain, 2) : domain;
    struct str digest = sha256_hex(
        c->arena, arena_printf(c->arena, "%.*s/%.*s", STR_ARG(c->account), STR_ARG(bare)));

    record->type = S("CNAME");
    record->name =
        arena_printf(c->arena, "_%.*s.%.*s.", STR_ARG(str_first(digest, 32)), STR_ARG(bare));
    record->value =
        arena_printf(c->arena, "_%.*s.acm-validations.aws.", STR_ARG(str_from(digest, 32)));
    return record;
}

static void add_validations(struct call *c, const struct acm_request_certificate_request *in,
                            struct acm_certificate_detail *d)
{
    bool dns = !str_is(in->validation_method, "EMAIL");

    d->domain_validation_options.at = arena_array(c->arena, d->subject_alternative_names.n,
                                                  sizeof *d->domain_validation_options.at);
    for (size_t i = 0; i < d->subject_alternative_names.n; i++) {
        struct str domain = d->subject_alternative_names.at[i];
        struct acm_domain_validation *v =
            &d->domain_validation_options.at[d->domain_validation_options.n++];

        *v = (struct acm_domain_validation){
            .domain_name = domain,
            .validation_domain = domain,
            .validation_status = S("SUCCESS"),
            .validation_method = dns ? S("DNS") : S("EMAIL"),
            .resource_record = dns ? proof_of(c, domain) : NULL,
        };
        for (size_t k = 0; k < in->domain_validation_options.n; k++)
            if (str_eq(in->domain_validation_options.at[k].domain_name, domain))
                v->validation_domain = in->domain_validation_options.at[k].validation_domain;
    }
}

/* The same token within an hour means the same request. */
static int find_same(struct call *c, const struct acm_request_certificate_request *in,
                     struct str *ret_arn)
{
    struct resource *one = NULL;
    int r = in->idempotency_token.n > 0
                ? resource_list_by_parent(c->store, c->arena, ACM_CERTIFICATE,
                                          in->idempotency_token, &one)
                : 0;

    for (; r == 0 && one != NULL; one = one->next) {
        const struct acm_certificate_detail *d =
            document_read(c->arena, &acm_certificate_detail_shape, one->document);

        if (str_eq(one->account, c->account) && str_eq(one->region, c->region) &&
            str_eq(d->domain_name, in->domain_name) && c->now - one->created < 3600 * 1000)
            *ret_arn = one->arn;
    }
    return r;
}

static bool issue(struct call *c, const struct acm_request_certificate_request *in,
                  struct acm_certificate_detail *d, struct str *ret_chain, struct str *ret_key,
                  struct done *ret_done)
{
    CLEANUP(x509_key_freep) EVP_PKEY *key = make_key(in->key_algorithm);
    struct ca_request request = {
        .common_name = in->domain_name,
        .names = d->subject_alternative_names.at,
        .name_count = d->subject_alternative_names.n,
        .days = DAYS_VALID,
        .key = key,
    };
    struct certificate *certificate;

    if (key == NULL || aws_options_of(c->aws)->ca == NULL ||
        ca_issue(aws_options_of(c->aws)->ca, c->clock, &request, &certificate) < 0)
        return acm_failed(c, -EIO, ret_done);
    add_facts(c, d, certificate->leaf);
    *ret_chain = certificate_chain_pem(certificate, c->arena);
    *ret_key = certificate_key_pem(certificate, c->arena);
    certificate_free(certificate);
    return true;
}

struct done acm_request_certificate(struct call *c, const void *input)
{
    const struct acm_request_certificate_request *in = input;
    struct acm_certificate_options options = {
        .certificate_transparency_logging_preference = S("ENABLED"), .export = S("DISABLED")};
    struct acm_request_certificate_response out = {0};
    struct acm_certificate_detail d = {
        .domain_name = in->domain_name,
        .status = S("ISSUED"),
        .type = S("AMAZON_ISSUED"),
        .created_at = OPT_INT(c->now),
        .issued_at = OPT_INT(c->now),
        .options = &options,
    };
    struct str chain, key;
    struct done done;
    int r = find_same(c, in, &out.certificate_arn);

    if (r < 0)
        return call_fail(c, r);
    if (out.certificate_arn.n > 0)
        return call_reply(c, &out);
    d.subject_alternative_names = all_names(c, in);
    if (d.subject_alternative_names.n > MOST_NAMES)
        return call_fault(c, &acm_limit_exceeded_exception,
                          "Certificate cannot contain more than %d domain names", MOST_NAMES);
    d.certificate_arn = new_arn(c);
    if (in->options != NULL && in->options->certificate_transparency_logging_preference.n > 0)
        options.certificate_transparency_logging_preference =
            in->options->certificate_transparency_logging_preference;
    if (in->options != NULL && in->options->export.n > 0)
        options.export = in->options->export;
    add_validations(c, in, &d);
    if (!issue(c, in, &d, &chain, &key, &done))
        return done;
    r = keep(c, &d, chain, key, in->idempotency_token, true);
    if (r < 0)
        return call_fail(c, r);
    if (!acm_put_tags(c, d.certificate_arn, in->tags.at, in->tags.n, &done))
        return done;
    out.certificate_arn = d.certificate_arn;
    return call_reply(c, &out);
}
