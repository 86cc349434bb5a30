/* Columns of roles, leases, classes and configuration. Source: Kubernetes,
 * pkg/printers/internalversion. */
#include "kube/table_columns.h"

/* --- RBAC --------------------------------------------------------------------------------- */

static void binding_role(struct buf *b, const struct table_row *r)
{
    table_printf(b, r, "%.*s/%.*s", STR_ARG(json_str(r->doc, "roleRef.kind")),
                 STR_ARG(json_str(r->doc, "roleRef.name")));
}

/* The subjects of the kind that is the column's path. */
static void binding_subjects(struct buf *b, const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ", "};

    JSON_EACH(subject, json_get(r->doc, "subjects")) {
        struct str name = json_str(subject, "name"), ns = json_str(subject, "namespace");

        if (!str_is(json_str(subject, "kind"), r->column->path))
            continue;
        table_join(&j, str_is(json_str(subject, "kind"), "ServiceAccount")
                           ? arena_printf(r->arena, "%.*s/%.*s", STR_ARG(ns), STR_ARG(name))
                           : name);
    }
    json_write_str(b, j.text);
}

static const struct table_column bindings[] = {
    TABLE_NAME,
    {"Role",            "string", 0, binding_role,     NULL,             0, 0},
    TABLE_AGE,
    {"Users",           "string", 1, binding_subjects, "User",           0, 0},
    {"Groups",          "string", 1, binding_subjects, "Group",          0, 0},
    {"ServiceAccounts", "string", 1, binding_subjects, "ServiceAccount", 0, 0},
};

/* --- classes ------------------------------------------------------------------------------ */

static bool is_default_class(const cJSON *doc)
{
    static const struct str notes[] = {
        STR_INIT("storageclass.kubernetes.io/is-default-class"),
        STR_INIT("storageclass.beta.kubernetes.io/is-default-class")};

    for (size_t i = 0; i < ARRAY_LEN(notes); i++)
        if (str_is(json_text(json_member(json_get(doc, "metadata.annotations"), notes[i])), "true"))
            return true;
    return false;
}

static void storage_name(struct buf *b, const struct table_row *r)
{
    table_printf(b, r, "%.*s%s", STR_ARG(r->object->key.name),
                 is_default_class(r->doc) ? " (default)" : "");
}

static const struct table_column storageclasses[] = {
    {"Name",                 "string", 0, storage_name, NULL,                   0, 0},
    {"Provisioner",          "string", 0, cell_text,    "provisioner",          0, 0},
    {"ReclaimPolicy",        "string", 0, cell_text,    "reclaimPolicy",        0, 0},
    {"VolumeBindingMode",    "string", 0, cell_text,    "volumeBindingMode",    0, 0},
    {"AllowVolumeExpansion", "string", 0, cell_bool,    "allowVolumeExpansion", 0, 0},
    TABLE_AGE,
};

static const struct table_column priorityclasses[] = {
    TABLE_NAME,
    {"Value",            "integer", 0, cell_int,  "value",            0, 0},
    {"Global-Default",   "boolean", 0, cell_bool, "globalDefault",    0, 0},
    TABLE_AGE,
    {"PreemptionPolicy", "string",  1, cell_text, "preemptionPolicy", 0, 0},
};

static const struct table_column runtimeclasses[] = {
    TABLE_NAME,
    {"Handler", "string", 0, cell_text, "handler", 0, 0},
    TABLE_AGE,
};

/* --- others ------------------------------------------------------------------------------- */

static const struct table_column leases[] = {
    TABLE_NAME,
    {"Holder", "string", 0, cell_text, "spec.holderIdentity", 0, 0},
    TABLE_AGE,
};

static const struct table_column webhooks[] = {
    TABLE_NAME,
    {"Webhooks", "integer", 0, cell_count, "webhooks", 0, 0},
    TABLE_AGE,
};

static void request_duration(struct buf *b, const struct table_row *r)
{
    int64_t seconds = json_int(r->doc, "spec.expirationSeconds", -1);

    table_or_none(b, seconds < 0 ? S("") : table_duration(r->arena, seconds * 1000));
}

static void request_condition(struct buf *b, const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ","};

    JSON_EACH(condition, json_get(r->doc, "status.conditions"))
        if (!str_is(json_str(condition, "type"), "Failed"))
            table_join(&j, json_str(condition, "type"));
    if (j.n == 0)
        table_join(&j, S("Pending"));
    JSON_EACH(condition, json_get(r->doc, "status.conditions"))
        if (str_is(json_str(condition, "type"), "Failed"))
            table_join(&j, S("Failed"));
    if (json_str(r->doc, "status.certificate").n > 0)
        table_join(&j, S("Issued"));
    json_write_str(b, j.text);
}

static const struct table_column requests[] = {
    TABLE_NAME,
    TABLE_AGE,
    {"SignerName",        "string", 0, cell_text_or_none, "spec.signerName", 0,  0},
    {"Requestor",         "string", 0, cell_text,         "spec.username",   0,  0},
    {"RequestedDuration", "string", 0, request_duration,  NULL,              22, 0},
    {"Condition",         "string", 0, request_condition, NULL,              0,  0},
};

const struct table_kind table_other[] = {
    TABLE("rbac.authorization.k8s.io/rolebindings", bindings),
    TABLE("rbac.authorization.k8s.io/clusterrolebindings", bindings),
    TABLE("storage.k8s.io/storageclasses", storageclasses),
    TABLE("scheduling.k8s.io/priorityclasses", priorityclasses),
    TABLE("node.k8s.io/runtimeclasses", runtimeclasses),
    TABLE("coordination.k8s.io/leases", leases),
    TABLE("admissionregistration.k8s.io/mutatingwebhookconfigurations", webhooks),
    TABLE("admissionregistration.k8s.io/validatingwebhookconfigurations", webhooks),
    TABLE("certificates.k8s.io/certificatesigningrequests", requests),
    {NULL, NULL, 0, NULL},
};
