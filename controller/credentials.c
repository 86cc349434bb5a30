/* Credentials. Source: aws-sdk-go 1.23, aws/session/credentials.go, aws/credentials and
 * private docs of the container and instance endpoints. */
#include "credentials.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws_client.h"
#include "base/buf.h"
#include "base/memory.h"

enum { FILE_LIMIT = 1 << 20, EARLY_MS = 10 * 1000, TRIES = 4 };

static const char metadata_base[] = "http://169.254.169.254/latest/meta-data/";

struct credentials {
    struct credentials_options o;
    uv_mutex_t lock;    /* of everything below: one worker fetches, the others wait for it */
    struct arena arena; /* holds the keys */
    struct aws_keys keys;
    bool present;
    int64_t expires_ms; /* 0: never */
};

struct credentials *credentials_new(const struct credentials_options *o)
{
    struct credentials *c = xcalloc(sizeof *c);

    c->o = *o;
    uv_mutex_init(&c->lock);
    return c;
}

void credentials_free(struct credentials *c)
{
    if (c == NULL)
        return;
    arena_free(&c->arena);
    uv_mutex_destroy(&c->lock);
    free(c);
}

static struct str variable(struct credentials *c, const char *name, const char *other)
{
    const char *value = c->o.variable(name);

    if ((value == NULL || value[0] == 0) && other != NULL)
        value = c->o.variable(other);
    return str_c(value);
}

static bool read_file(struct arena *a, const char *path, struct str *ret_text)
{
    CLEANUP(buf_free) struct buf b = buf_init(FILE_LIMIT);
    FILE *f = fopen(path, "re");
    char part[4096];
    size_t n;

    if (f == NULL)
        return false;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(&b, str_n(part, n));
    fclose(f);
    *ret_text = arena_str(a, buf_str(&b));
    return !b.full;
}

/* What a source of keys says. */
enum found { FOUND, NOT_HERE, FAILED };

struct fetch {
    struct credentials *c;
    struct arena *a; /* of the caller */
    struct aws_keys keys;
    int64_t expires_ms;
    struct str error;
};

static enum found from_environment(struct fetch *f)
{
    f->keys = (struct aws_keys){
        variable(f->c, "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
        variable(f->c, "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
        variable(f->c, "AWS_SESSION_TOKEN", NULL),
    };
    return f->keys.id.n > 0 && f->keys.secret.n > 0 ? FOUND : NOT_HERE;
}

/* --- web identity ------------------------------------------------------------------------ */

static struct str assume_role_body(struct fetch *f, struct str role, struct str token)
{
    struct query q = {.a = f->a};
    struct str session = variable(f->c, "AWS_ROLE_SESSION_NAME", NULL);

    if (session.n == 0)
        session = arena_printf(f->a, "%lld000000", (long long)clock_now(f->c->o.clock));
    query_str(&q, "Action", S("AssumeRoleWithWebIdentity"));
    query_str(&q, "RoleArn", role);
    query_str(&q, "RoleSessionName", session);
    query_str(&q, "Version", S("2011-06-15"));
    query_str(&q, "WebIdentityToken", token);
    return query_form(&q);
}

static enum found read_assumed(struct fetch *f, const struct http_result *result, bool *ret_again)
{
    struct xml_node *root = NULL;
    const struct xml_node *keys;

    *ret_again = result->error != 0 || result->status >= 500;
    if (result->error != 0) {
        f->error = arena_printf(f->a, "RequestError: send request failed\ncaused by: %.*s",
                                STR_ARG(result->why));
        return FAILED;
    }
    (void)xml_parse(f->a, result->body, &root);
    if (result->status != 200) {
        struct str code = xml_text_at(root, "Error.Code");

        *ret_again |= str_is(code, "IDPCommunicationError") || str_is(code, "InvalidIdentityToken");
        f->error = arena_printf(f->a, "%.*s: %.*s\n\tstatus code: %d, request id: %.*s",
                                STR_ARG(code), STR_ARG(xml_text_at(root, "Error.Message")),
                                result->status, STR_ARG(xml_text_at(root, "RequestId")));
        return FAILED;
    }
    keys = xml_at(root, "AssumeRoleWithWebIdentityResult.Credentials");
    f->keys =
        (struct aws_keys){xml_text_at(keys, "AccessKeyId"), xml_text_at(keys, "SecretAccessKey"),
                          xml_text_at(keys, "SessionToken")};
    (void)clock_parse_rfc3339(xml_text_at(keys, "Expiration"), &f->expires_ms);
    if (f->keys.id.n > 0)
        return FOUND;
    f->error = S("SerializationError: failed decoding Query response");
    return FAILED;
}

static enum found from_web_identity(struct fetch *f)
{
    struct credentials *c = f->c;
    struct str file = variable(c, "AWS_WEB_IDENTITY_TOKEN_FILE", NULL), token, body, url;
    struct str role = variable(c, "AWS_ROLE_ARN", NULL);
    enum found found = FAILED;
    bool again = true;

    if (file.n == 0)
        return NOT_HERE;
    if (role.n == 0) {
        f->error = S("WebIdentityErr: role ARN is not set");
        return FAILED;
    }
    if (!read_file(f->a, arena_cstr(f->a, file), &token)) {
        f->error = arena_printf(f->a,
                                "WebIdentityErr: unable to read file at %.*s\ncaused by: open "
                                "%.*s: no such file or directory",
                                STR_ARG(file), STR_ARG(file));
        return FAILED;
    }
    body = assume_role_body(f, role, token);
    url = aws_endpoint(f->a, AWS_STS, variable(c, "AWS_REGION", NULL), c->o.endpoint);
    url = arena_printf(f->a, "%.*s/", STR_ARG(url));
    for (int i = 0; i < TRIES && again; i++) {
        struct http_result result = blocking_http_call(
            c->o.http, c->o.connections, f->a,
            &(struct http_call_options){
                .method = S("POST"),
                .url = url,
                .headers = HTTP_HEADERS(
                    {S("Content-Type"), S("application/x-www-form-urlencoded; charset=utf-8")}),
                .body = body,
            });

        found = read_assumed(f, &result, &again);
        if (again && i + 1 < TRIES && !blocking_http_sleep(c->o.http, 50L << i))
            break;
    }
    if (found == FAILED)
        f->error =
            arena_printf(f->a, "WebIdentityErr: failed to retrieve credentials\ncaused by: %.*s",
                         STR_ARG(f->error));
    return found;
}

/* --- files and local endpoints -------------------------------------------------------------- */

static enum found from_shared_file(struct fetch *f)
{
    struct str file = variable(f->c, "AWS_SHARED_CREDENTIALS_FILE", NULL), text, line, rest;
    struct str profile = variable(f->c, "AWS_PROFILE", "AWS_DEFAULT_PROFILE"), key, value;
    bool inside = false;

    if (profile.n == 0)
        profile = S("default");
    if (file.n == 0)
        file = arena_printf(f->a, "%.*s/.aws/credentials", STR_ARG(variable(f->c, "HOME", NULL)));
    if (!read_file(f->a, arena_cstr(f->a, file), &text))
        return NOT_HERE;
    f->keys = (struct aws_keys){0};
    for (rest = text; str_next(&rest, '\n', &line);) {
        line = str_trim(line);
        if (line.n > 2 && line.at[0] == '[') {
            inside = str_eq(str_trim(str_n(line.at + 1, line.n - 2)), profile);
            continue;
        }
        if (!inside || !str_cut(line, '=', &key, &value))
            continue;
        key = str_trim(key);
        value = str_trim(value);
        if (str_is(key, "aws_access_key_id"))
            f->keys.id = value;
        else if (str_is(key, "aws_secret_access_key"))
            f->keys.secret = value;
        else if (str_is(key, "aws_session_token"))
            f->keys.token = value;
    }
    return f->keys.id.n > 0 && f->keys.secret.n > 0 ? FOUND : NOT_HERE;
}

/* The JSON that the container endpoint and the instance's metadata give. */
static enum found read_json_keys(struct fetch *f, struct str text)
{
    CLEANUP(json_freep) cJSON *tree = json_parse(text, NULL);

    f->keys = (struct aws_keys){
        arena_str(f->a, json_str(tree, "AccessKeyId")),
        arena_str(f->a, json_str(tree, "SecretAccessKey")),
        arena_str(f->a, json_str(tree, "Token")),
    };
    (void)clock_parse_rfc3339(json_str(tree, "Expiration"), &f->expires_ms);
    return f->keys.id.n > 0 ? FOUND : NOT_HERE;
}

static bool get(struct credentials *c, struct arena *a, struct str url, struct http_headers headers,
                struct http_result *ret)
{
    *ret = blocking_http_call(c->o.http, c->o.connections, a,
                              &(struct http_call_options){
                                  .method = S("GET"),
                                  .url = url,
                                  .headers = headers,
                                  .timeout_ms = 5000,
                              });
    return ret->error == 0 && ret->status == 200;
}

static enum found from_container(struct fetch *f)
{
    struct str path = variable(f->c, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", NULL);
    struct str url = variable(f->c, "AWS_CONTAINER_CREDENTIALS_FULL_URI", NULL);
    struct str token = variable(f->c, "AWS_CONTAINER_AUTHORIZATION_TOKEN", NULL);
    struct http_result result;

    if (path.n > 0)
        url = arena_printf(f->a, "http://169.254.170.2%.*s", STR_ARG(path));
    if (url.n == 0)
        return NOT_HERE;
    if (!get(f->c, f->a, url,
             token.n > 0 ? HTTP_HEADERS({S("Authorization"), token}) : HTTP_NO_HEADERS, &result))
        return NOT_HERE;
    return read_json_keys(f, result.body);
}

bool instance_metadata_get(struct credentials *c, struct arena *a, const char *path,
                           struct str *ret_text, struct str *ret_error)
{
    struct str disabled = variable(c, "AWS_EC2_METADATA_DISABLED", NULL);
    struct http_result result;

    if (str_ieq(disabled, S("true"))) {
        *ret_error = S("EC2MetadataRequestError: failed to get EC2 instance metadata\ncaused by: "
                       "RequestCanceled: EC2 IMDS access disabled via AWS_EC2_METADATA_DISABLED "
                       "env var");
        return false;
    }
    if (get(c, a, arena_printf(a, "%s%s", metadata_base, path), HTTP_NO_HEADERS, &result)) {
        *ret_text = result.body;
        return true;
    }
    if (result.error == 0)
        result.why = arena_printf(a, "status %d", result.status);
    *ret_error = arena_printf(a,
                              "EC2MetadataRequestError: failed to get EC2 instance metadata\n"
                              "caused by: %.*s",
                              STR_ARG(result.why));
    return false;
}

static enum found from_instance(struct fetch *f)
{
    struct str role, text, error;
    const char *path;

    if (!instance_metadata_get(f->c, f->a, "iam/security-credentials/", &role, &error))
        return NOT_HERE;
    (void)str_cut(role, '\n', &role, &text);
    path = arena_printf(f->a, "iam/security-credentials/%.*s", STR_ARG(role)).at;
    if (!instance_metadata_get(f->c, f->a, path, &text, &error))
        return NOT_HERE;
    return read_json_keys(f, text);
}

/* --- the chain ------------------------------------------------------------------------------ */

static enum found fetch_keys(struct fetch *f)
{
    static enum found (*const sources[])(struct fetch *) = {
        from_environment, from_web_identity, from_shared_file, from_container, from_instance};

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        enum found found;

        f->expires_ms = 0;
        found = sources[i](f);
        if (found != NOT_HERE)
            return found;
    }
    f->error = S("NoCredentialProviders: no valid providers in chain. Deprecated.\n\tFor verbose "
                 "messaging see aws.Config.CredentialsChainVerboseErrors");
    return FAILED;
}

static struct aws_keys copy_keys(struct arena *a, const struct aws_keys *keys)
{
    return (struct aws_keys){arena_str(a, keys->id), arena_str(a, keys->secret),
                             arena_str(a, keys->token)};
}

bool credentials_get(struct credentials *c, struct arena *a, struct aws_keys *ret_keys,
                     struct str *ret_error)
{
    struct fetch f = {.c = c, .a = a};

    uv_mutex_lock(&c->lock);
    if (!c->present || (c->expires_ms != 0 && clock_now(c->o.clock) + EARLY_MS >= c->expires_ms)) {
        c->present = fetch_keys(&f) == FOUND;
        if (c->present) {
            arena_free(&c->arena);
            c->keys = copy_keys(&c->arena, &f.keys);
            c->expires_ms = f.expires_ms;
        }
    }
    if (c->present)
        *ret_keys = copy_keys(a, &c->keys);
    else
        *ret_error = f.error;
    uv_mutex_unlock(&c->lock);
    return f.error.n == 0;
}

void credentials_expire(struct credentials *c)
{
    uv_mutex_lock(&c->lock);
    c->present = false;
    uv_mutex_unlock(&c->lock);
}
