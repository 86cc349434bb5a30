/* ConfigMaps, Secrets, claims, nodes and classes. Source: Kubernetes,
 * pkg/apis/{core,storage,scheduling,coordination}/validation. */
#include "kube/validation_kinds.h"

#include "base/quantity.h"

enum { MOST_DATA = 1 << 20 };

/* --- data ----------------------------------------------------------------------------------- */

static size_t bytes_of(const cJSON *data, bool encoded)
{
    size_t n = 0;

    JSON_EACH(item, data)
        n += encoded ? json_text(item).n / 4 * 3 : json_text(item).n;
    return n;
}

static void check_size(struct checks *c, struct str place, size_t bytes)
{
    if (bytes > MOST_DATA)
        field_error_add(c->errors, FIELD_TOO_LONG, place, NULL, "must have at most %d bytes",
                        MOST_DATA);
}

/* What is marked immutable stays, the mark included. */
static void check_frozen(struct checks *c, const cJSON *old, const cJSON *doc, const char *member)
{
    const cJSON *had = json_get(old, member), *has = json_get(doc, member);

    if (cJSON_GetArraySize(had) == 0 && cJSON_GetArraySize(has) == 0)
        return;
    if (had == NULL || has == NULL || !json_equal(had, has))
        find_forbidden(c, str_c(member), "field is immutable when `immutable` is set");
}

static void check_mark(struct checks *c, const cJSON *doc)
{
    if (!json_bool(doc, "immutable", false))
        find_forbidden(c, S("immutable"), "field is immutable when `immutable` is set");
}

void validate_configmap(struct checks *c, const cJSON *old, const cJSON *doc)
{
    const cJSON *data = json_get(doc, "data"), *binary = json_get(doc, "binaryData");

    if (old != NULL && json_bool(old, "immutable", false)) {
        check_mark(c, doc);
        check_frozen(c, old, doc, "data");
        check_frozen(c, old, doc, "binaryData");
    }
    JSON_EACH(item, data) {
        struct str key = str_c(item->string);

        check_word(c, at_key(c, S("data"), key), key, word_config_key);
        if (json_member(binary, key) != NULL)
            find_invalid_text(c, at_key(c, S("data"), key), key,
                              "duplicate of key present in binaryData");
    }
    check_data_keys(c, S("binaryData"), binary);
    check_size(c, S(""), bytes_of(data, false) + bytes_of(binary, true));
}

/* The members that a type of Secret cannot do without. */
static const struct {
    struct str type;
    const char *keys; /* space separated */
} secret_types[] = {
    {STR_INIT("kubernetes.io/dockercfg"),        ".dockercfg"       },
    {STR_INIT("kubernetes.io/dockerconfigjson"), ".dockerconfigjson"},
    {STR_INIT("kubernetes.io/ssh-auth"),         "ssh-privatekey"   },
    {STR_INIT("kubernetes.io/tls"),              "tls.crt tls.key"  },
};

static void check_secret_type(struct checks *c, const cJSON *doc)
{
    struct str type = json_str(doc, "type"), rest, key;
    const cJSON *notes = json_get(doc, "metadata.annotations");

    if (str_is(type, "kubernetes.io/service-account-token") &&
        json_text(json_member(notes, S("kubernetes.io/service-account.name"))).n == 0)
        find_required(c, S("metadata.annotations[kubernetes.io/service-account.name]"), "");
    if (str_is(type, "kubernetes.io/basic-auth") &&
        json_member(json_get(doc, "data"), S("username")) == NULL &&
        json_member(json_get(doc, "data"), S("password")) == NULL) {
        find_required(c, S("data[username]"), "");
        find_required(c, S("data[password]"), "");
    }
    for (size_t i = 0; i < ARRAY_LEN(secret_types); i++) {
        if (!str_eq(type, secret_types[i].type))
            continue;
        rest = str_c(secret_types[i].keys);
        while (str_next(&rest, ' ', &key))
            if (json_member(json_get(doc, "data"), key) == NULL)
                find_required(c, at_key(c, S("data"), key), "");
    }
}

void validate_secret(struct checks *c, const cJSON *old, const cJSON *doc)
{
    if (old != NULL && json_get(doc, "type") != NULL)
        check_immutable(c, S("type"), json_get(old, "type"), json_get(doc, "type"));
    if (old != NULL && json_bool(old, "immutable", false)) {
        check_mark(c, doc);
        check_frozen(c, old, doc, "data");
    }
    check_data_keys(c, S("data"), json_get(doc, "data"));
    check_size(c, S("data"), bytes_of(json_get(doc, "data"), true));
    check_secret_type(c, doc);
}

/* --- claims --------------------------------------------------------------------------------- */

/* Only what is asked for may grow. */
static void check_claim_update(struct checks *c, const cJSON *old, const cJSON *now)
{
    CLEANUP(json_freep) cJSON *a = cJSON_Duplicate(old, true);
    CLEANUP(json_freep) cJSON *b = cJSON_Duplicate(now, true);

    json_remove(a, S("resources"));
    json_remove(b, S("resources"));
    if (json_str(old, "volumeName").n == 0)
        json_remove(b, S("volumeName"));
    if (!json_equal(a, b))
        find_forbidden(c, S("spec"),
                       "spec is immutable after creation except resources.requests and "
                       "volumeAttributesClassName for bound claims");
    if (quantity_of(json_get(now, "resources.requests.storage")) <
        quantity_of(json_get(old, "resources.requests.storage")))
        find_forbidden(c, S("spec.resources.requests.storage"),
                       "field can not be less than status.capacity");
}

void validate_claim(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const modes[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                        "ReadWriteOncePod"};
    const cJSON *spec = json_get(doc, "spec"), *amount;

    if (cJSON_GetArraySize(json_get(spec, "accessModes")) == 0)
        find_required(c, S("spec.accessModes"), "at least 1 access mode is required");
    JSON_EACH(mode, json_get(spec, "accessModes"))
        CHECK_CHOICE(c, S("spec.accessModes"), mode, modes);
    amount = json_get(spec, "resources.requests.storage");
    if (amount == NULL)
        find_required(c, S("spec.resources[storage]"), "");
    else if (quantity_of(amount) <= 0)
        find_invalid(c, S("spec.resources[storage]"), amount, "must be greater than zero");
    if (old != NULL)
        check_claim_update(c, json_get(old, "spec"), spec);
}

/* --- others --------------------------------------------------------------------------------- */

void validate_node(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
    struct str had = json_str(old, "spec.providerID");
    size_t i = 0;

    JSON_EACH(taint, json_get(doc, "spec.taints")) {
        struct str place = at_index(c, S("spec.taints"), i++);

        check_word(c, at_child(c, place, "key"), json_str(taint, "key"), word_qualified_name);
        check_word(c, at_child(c, place, "value"), json_str(taint, "value"), word_label_value);
        if (json_str(taint, "effect").n == 0)
            find_required(c, at_child(c, place, "effect"), "");
        else
            CHECK_CHOICE(c, at_child(c, place, "effect"), json_get(taint, "effect"), effects);
    }
    if (had.n > 0 && !str_eq(had, json_str(doc, "spec.providerID")))
        find_forbidden(c, S("spec.providerID"),
                       "node updates may not change providerID except from \"\" to valid");
}

void validate_priorityclass(struct checks *c, const cJSON *old, const cJSON *doc)
{
    enum { HIGHEST_OF_USERS = 1000000000 };
    struct str name = json_str(doc, "metadata.name");

    if (str_starts(name, S("system-"))) {
        if (!str_is(name, "system-node-critical") && !str_is(name, "system-cluster-critical"))
            find_forbidden(c, S("metadata.name"),
                           "priority class names with 'system-' prefix are reserved for system "
                           "use only. error: is not a known system priority class");
    } else if (json_int(doc, "value", 0) > HIGHEST_OF_USERS) {
        find_forbidden(c, S("value"),
                       "maximum allowed value of a user defined priority is 1000000000");
    }
    if (old == NULL)
        return;
    if (json_int(old, "value", 0) != json_int(doc, "value", 0))
        find_forbidden(c, S("value"), "may not be changed in an update.");
}

void validate_storageclass(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const reclaim[] = {"Delete", "Retain"};
    static const char *const fixed[] = {"parameters", "provisioner", "reclaimPolicy",
                                        "volumeBindingMode"};

    need_word(c, S("provisioner"), json_str(doc, "provisioner"), word_qualified_name);
    CHECK_CHOICE(c, S("reclaimPolicy"), json_get(doc, "reclaimPolicy"), reclaim);
    for (size_t i = 0; old != NULL && i < ARRAY_LEN(fixed); i++) {
        const cJSON *had = json_get(old, fixed[i]), *has = json_get(doc, fixed[i]);

        if ((had != NULL || has != NULL) && (had == NULL || has == NULL || !json_equal(had, has)))
            find_forbidden(c, str_c(fixed[i]),
                           arena_printf(c->arena, "updates to %s are forbidden.", fixed[i]).at);
    }
}

void validate_lease(struct checks *c, const cJSON *old, const cJSON *doc)
{
    const cJSON *seconds = json_get(doc, "spec.leaseDurationSeconds");
    const cJSON *transitions = json_get(doc, "spec.leaseTransitions");

    (void)old;
    if (cJSON_IsNumber(seconds) && seconds->valuedouble <= 0)
        find_invalid(c, S("spec.leaseDurationSeconds"), seconds, "must be greater than 0");
    if (cJSON_IsNumber(transitions) && transitions->valuedouble < 0)
        find_invalid(c, S("spec.leaseTransitions"), transitions,
                     "must be greater than or equal to 0");
}
