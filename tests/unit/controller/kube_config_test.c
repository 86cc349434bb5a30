/* Source: client-go 1.13, tools/clientcmd; "Organizing Cluster Access Using kubeconfig Files". */
#include "kube_config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "test.h"
#include "yaml_tree.h"

static const char *none(const char *name UNUSED)
{
    return NULL;
}

static const char *in_pod(const char *name)
{
    static const char *const variables[][2] = {
        {"KUBERNETES_SERVICE_HOST", "fd00::1"     },
        {"KUBERNETES_SERVICE_PORT", "6443"        },
        {"ELBOW_ROOTFS",            "/nonexistent"},
    };

    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        if (strcmp(name, variables[i][0]) == 0)
            return variables[i][1];
    return NULL;
}

static const struct {
    const char *label;
    const char *text; /* of the file; NULL: none */
    struct str host;  /* the flag */
    struct str server, token, token_file, error;
} cases[] = {
    {"a host with its scheme",               NULL,                               S("http://127.0.0.1:8001/"), S("http://127.0.0.1:8001"), S(""),
     S(""),                                                                                                                                                        S("")                         },
    {"a host without",                       NULL,                               S("127.0.0.1:8001"),         S("http://127.0.0.1:8001"), S(""),    S(""),         S("")                         },
    {"a file, as YAML",
     "current-context: c\n"
     "contexts:\n- name: c\n  context: {cluster: k, user: u}\n"
     "clusters:\n- name: k\n  cluster:\n    server: http://a:1\n"
     "users:\n- name: u\n  user:\n    token: \"123\"\n    tokenFile: t\n",       S(""),                       S("http://a:1"),            S("123"), S("FOLDER/t"), S("")                         },
    {"the flag wins over the file's server",
     "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"k\"}}],"
     "\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"http://a:1\"}}]}", S("http://b:2"),             S("http://b:2"),            S(""),    S(""),         S("")                         },
    {"no server",                            "current-context: ''\n",            S(""),                       S(""),                      S(""),    S(""),
     S("invalid configuration: no configuration has been provided")                                                                                                                              },
    {"a context that is not there",          "current-context: x\n",             S(""),                       S(""),                      S(""),    S(""),
     S("invalid configuration: [context was not found for specified context: x, cluster has no "
       "server defined]")                                                                                                                                                                        },
    {"a user that needs a program",
     "current-context: c\ncontexts:\n- {name: c, context: {cluster: k, user: u}}\n"
     "users:\n- {name: u, user: {exec: {command: aws}}}\n",                      S(""),                       S(""),                      S(""),    S(""),
     S("invalid configuration: a user with exec or auth-provider can't be used here; give it a "
       "token or a client certificate")                                                                                                                                                          },
    {"no YAML",                              "a: [\n",                           S(""),                       S(""),                      S(""),    S(""),         S("error loading config file")},
};

TEST(flags_and_files)
{
    char folder[] = "/tmp/elbow-kube-config-XXXXXX";
    struct arena a = {0};
    struct str path;

    assert_non_null(mkdtemp(folder));
    path = arena_printf(&a, "%s/config", folder);
    CASE_EACH(c, cases) {
        struct kube_config_request r = {c->host, c->text == NULL ? S("") : path, none};
        struct kube_config config = {0};
        struct str error = {0}, file = c->token_file;
        bool ok;

        if (c->text != NULL)
            assert_int_equal(file_write(path.at, str_c(c->text), 0600), 0);
        ok = kube_config_load(&a, &r, &config, &error);
        CHECK(c->label, ok == (c->error.n == 0));
        CHECK_STR(c->label, str_first(error, c->error.n), c->error);
        if (file.n > 0)
            file = arena_printf(&a, "%s/t", folder);
        CHECK_STR(c->label, config.server, c->server);
        CHECK_STR(c->label, config.token, c->token);
        CHECK_STR(c->label, config.token_file, file);
        kube_config_clear(&config);
    }
    (void)unlink(path.at);
    (void)rmdir(folder);
    arena_free(&a);
}

TEST(inside_a_pod)
{
    struct kube_config_request r = {.variable = in_pod};
    struct kube_config config = {0};
    struct arena a = {0};
    struct str error;

    CHECK("without its files there is no configuration",
          !kube_config_load(&a, &r, &config, &error));
    CHECK_STR("the account's files lie below the pod's root",
              kube_config_account_file(&a, in_pod, "token"),
              S("/nonexistent/var/run/secrets/kubernetes.io/serviceaccount/token"));
    CHECK_STR("or below the machine's", kube_config_account_file(&a, none, "token"),
              S("/var/run/secrets/kubernetes.io/serviceaccount/token"));
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str yaml, json; /* empty: refused */
} trees[] = {
    {"scalars",              S("[1, -2, a, true, null, ~, '3', \"x\\ny\"]"),
     S("[1,-2,\"a\",true,null,null,\"3\",\"x\\ny\"]")                                                          },
    {"mappings",             S("a:\n  b: {c: d}\n"),                         S("{\"a\":{\"b\":{\"c\":\"d\"}}}")},
    {"aliases are copies",   S("a: &x [1]\nb: *x\n"),                        S("{\"a\":[1],\"b\":[1]}")        },
    {"nothing",              S(""),                                          S("null")                         },
    {"a key that is a list", S("[1]: 2"),                                    S("")                             },
    {"a list without end",   S("[1"),                                        S("")                             },
};

TEST(yaml)
{
    struct arena a = {0};

    CASE_EACH(c, trees) {
        CLEANUP(buf_free) struct buf b = buf_init(4096);
        struct str error = {0};
        CLEANUP(json_freep) cJSON *tree = yaml_tree_parse(&a, c->yaml, &error);

        CHECK(c->label, (tree != NULL) == (c->json.n > 0));
        if (tree != NULL)
            json_write(&b, tree);
        CHECK_STR(c->label, buf_str(&b), c->json);
    }
    arena_free(&a);
}

TEST_MAIN(T(flags_and_files), T(inside_a_pod), T(yaml))
