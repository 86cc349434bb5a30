/* The OIDC issuers of the world's clusters, at oidc.eks.<region>.amazonaws.com/id/<ID>: discovery
 * and keys, for everybody. Source: OpenID Connect Discovery 1.0; reference aws-eks-iam-ec2 4.3. */
#include "aws/internal.h"
#include "aws/metadata.h"

#include "auth/jwt.h"
#include "base/buf.h"
#include "base/json.h"
#include "store/eks.h"

enum { LARGEST_DOCUMENT = 16 << 10 };

static void answer(struct http_exchange *x, int status, const cJSON *document)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_DOCUMENT);

    json_write(&b, document);
    http_answer(x, status, HTTP_HEADERS({S("Content-Type"), S("application/json")}), buf_str(&b));
}

static void refuse(struct http_exchange *x, int status, struct str message)
{
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();

    json_put_str(document, S("message"), message);
    answer(x, status, document);
}

static void answer_configuration(struct http_exchange *x, struct arena *a, struct str issuer)
{
    static const struct {
        const char *name, *values[3];
    } lists[] = {
        {"response_types_supported",              {"id_token"}  },
        {"subject_types_supported",               {"public"}    },
        {"claims_supported",                      {"sub", "iss"}},
        {"id_token_signing_alg_values_supported", {"RS256"}     },
    };
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();

    json_put_str(document, S("issuer"), issuer);
    json_put_str(document, S("jwks_uri"), arena_printf(a, "%.*s/keys", STR_ARG(issuer)));
    json_put_str(document, S("authorization_endpoint"),
                 S("urn:kubernetes:programmatic_authorization"));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        cJSON *array = json_need_array(document, lists[i].name);

        for (size_t k = 0; lists[i].values[k] != NULL; k++)
            cJSON_AddItemToArray(array, json_new_str(str_c(lists[i].values[k])));
    }
    answer(x, 200, document);
}

static void answer_keys(struct http_exchange *x, struct str pem)
{
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();
    cJSON *keys = json_need_array(document, "keys");
    struct jwt_key *key = NULL;

    if (pem.n > 0 && jwt_key_load(pem, &key) == 0)
        cJSON_AddItemToArray(keys, jwt_key_jwk(key));
    jwt_key_free(key);
    answer(x, 200, document);
}

/* The cluster whose issuer @host and /id/<ID> are; NULL when there is none. */
static struct cluster *find_cluster(struct aws *aws, struct arena *a, struct str host,
                                    struct str id)
{
    struct cluster *cluster = NULL;
    struct str wanted = arena_printf(a, "https://%.*s/id/%.*s", STR_ARG(host), STR_ARG(id));

    if (cluster_find_by_issuer(aws->o.store, a, id, &cluster) < 0 || cluster == NULL ||
        !str_eq(cluster_issuer(a, cluster), wanted))
        return NULL;
    return cluster;
}

bool issuer_handle(struct aws *aws, struct http_exchange *x, const struct http_request *r)
{
    struct str rest = r->path, id = {0}, pem = {0};
    struct cluster *cluster = NULL;

    if (!str_starts(r->host, S("oidc.eks.")) || !str_ends(r->host, S(".amazonaws.com")))
        return false;
    if (!str_is(r->method, "GET") && !str_is(r->method, "HEAD")) {
        refuse(x, 405, S("Method Not Allowed"));
        return true;
    }
    if (str_starts(rest, S("/id/"))) {
        rest = str_from(rest, strlen("/id/"));
        id = str_first(rest, str_chr(rest, '/'));
        rest = str_from(rest, id.n);
        cluster = find_cluster(aws, r->arena, r->host, id);
    }
    if (cluster != NULL && str_is(rest, "/.well-known/openid-configuration"))
        answer_configuration(x, r->arena, cluster_issuer(r->arena, cluster));
    else if (cluster != NULL && str_is(rest, "/keys") &&
             cluster_signing_key(aws->o.store, r->arena, cluster->name, &pem) == 0)
        answer_keys(x, pem);
    else
        refuse(x, 404, S("Not Found"));
    return true;
}
