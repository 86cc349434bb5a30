/* `elbow env`. Source: the environment variables of the AWS SDKs and Tools Reference Guide, and of
 * Go's net/http and crypto/x509. */
#include "environment.h"

enum reach { BY_ENDPOINT = 1, BY_PROXY = 2, BOTH = BY_ENDPOINT | BY_PROXY };

static const struct variable {
    const char *name;
    enum reach reach;
    const char *from; /* a path in the ready file, */
    const char *text; /* or fixed text */
} variables[] = {
    {"AWS_ACCESS_KEY_ID",         BOTH,        NULL,         "elbow"                                         },
    {"AWS_SECRET_ACCESS_KEY",     BOTH,        NULL,         "elbow"                                         },
    {"AWS_DEFAULT_REGION",        BOTH,        "region",     NULL                                            },
    {"AWS_REGION",                BOTH,        "region",     NULL                                            },
    {"AWS_CA_BUNDLE",             BOTH,        "ca",         NULL                                            },
    {"AWS_EC2_METADATA_DISABLED", BOTH,        NULL,         "true"                                          },
    {"AWS_PAGER",                 BOTH,        NULL,         ""                                              },
    {"KUBECONFIG",                BOTH,        "kubeconfig", NULL                                            },
    {"AWS_ENDPOINT_URL",          BY_ENDPOINT, "aws",        NULL                                            },
    {"HTTPS_PROXY",               BY_PROXY,    "aws",        NULL                                            },
    {"https_proxy",               BY_PROXY,    "aws",        NULL                                            },
    {"HTTP_PROXY",                BY_PROXY,    "aws",        NULL                                            },
    {"http_proxy",                BY_PROXY,    "aws",        NULL                                            },
    {"NO_PROXY",                  BY_PROXY,    NULL,         "localhost,.localhost,127.0.0.0/8,127.0.0.1,::1"},
    {"no_proxy",                  BY_PROXY,    NULL,         "localhost,.localhost,127.0.0.0/8,127.0.0.1,::1"},
    {"NODE_EXTRA_CA_CERTS",       BY_PROXY,    "ca",         NULL                                            },
    {"REQUESTS_CA_BUNDLE",        BY_PROXY,    "ca_bundle",  NULL                                            },
    {"SSL_CERT_FILE",             BY_PROXY,    "ca_bundle",  NULL                                            },
};

/* In single quotes, as sh and fish both read them. */
static void print_quoted(FILE *out, struct str value, enum environment_format format)
{
    (void)fputc('\'', out);
    for (size_t i = 0; i < value.n; i++) {
        if (value.at[i] == '\'')
            (void)fputs(format == ENVIRONMENT_FISH ? "\\'" : "'\\''", out);
        else
            (void)fputc(value.at[i], out);
    }
    (void)fputc('\'', out);
}

static void print_json(FILE *out, const cJSON *object)
{
    CLEANUP(buf_free) struct buf b = buf_init(1 << 20);

    json_write(&b, object);
    (void)fprintf(out, "%.*s\n", STR_ARG(buf_str(&b)));
}

void environment_print(FILE *out, const cJSON *ready, bool proxy, enum environment_format format)
{
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();

    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const struct variable *v = &variables[i];
        struct str value = v->from != NULL ? json_str(ready, v->from) : str_c(v->text);

        if ((v->reach & (proxy ? BY_PROXY : BY_ENDPOINT)) == 0 || (v->from != NULL && value.n == 0))
            continue;
        if (format == ENVIRONMENT_JSON) {
            json_put_str(object, str_c(v->name), value);
            continue;
        }
        (void)fprintf(out, format == ENVIRONMENT_FISH ? "set -gx %s " : "export %s=", v->name);
        print_quoted(out, value, format);
        (void)fputc('\n', out);
    }
    if (format == ENVIRONMENT_JSON)
        print_json(out, object);
}
