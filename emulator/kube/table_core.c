/* Columns of the core kinds that neither run nor route. Source: Kubernetes,
 * pkg/printers/internalversion. */
#include "kube/table_columns.h"

#include <stdlib.h>

#include "kube/table_pod.h"

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* --- Node --------------------------------------------------------------------------------- */

static void node_status(struct buf *b, const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ","};

    JSON_EACH(condition, json_get(r->doc, "status.conditions"))
        if (str_is(json_str(condition, "type"), "Ready"))
            table_join(&j,
                       str_is(json_str(condition, "status"), "True") ? S("Ready") : S("NotReady"));
    if (j.n == 0)
        table_join(&j, S("Unknown"));
    if (json_bool(r->doc, "spec.unschedulable", false))
        table_join(&j, S("SchedulingDisabled"));
    json_write_str(b, j.text);
}

static void node_roles(struct buf *b, const struct table_row *r)
{
    const cJSON *labels = json_get(r->doc, "metadata.labels");
    struct str *all = arena_array(r->arena, (size_t)cJSON_GetArraySize(labels) + 1, sizeof *all);
    struct table_joined j = {.arena = r->arena, .separator = ","};
    size_t n = 0;

    JSON_EACH(label, labels) {
        struct str key = str_c(label->string), prefix = S("node-role.kubernetes.io/");

        if (str_starts(key, prefix) && key.n > prefix.n)
            all[n++] = str_from(key, prefix.n);
        else if (str_is(key, "kubernetes.io/role") && json_text(label).n > 0)
            all[n++] = json_text(label);
    }
    qsort(all, n, sizeof *all, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(all[i], all[i - 1]))
            table_join(&j, all[i]);
    table_or_none(b, j.text);
}

/* The address whose type is the column's path. */
static void node_address(struct buf *b, const struct table_row *r)
{
    JSON_EACH(address, json_get(r->doc, "status.addresses"))
        if (str_is(json_str(address, "type"), r->column->path)) {
            json_write_str(b, json_str(address, "address"));
            return;
        }
    table_or_none(b, S(""));
}

static const struct table_column nodes[] = {
    TABLE_NAME,
    {"Status",            "string", 0, node_status,          NULL,                             0, 0},
    {"Roles",             "string", 0, node_roles,           NULL,                             0, 0},
    TABLE_AGE,
    {"Version",           "string", 0, cell_text,            "status.nodeInfo.kubeletVersion", 0, 0},
    {"Internal-IP",       "string", 1, node_address,         "InternalIP",                     0, 0},
    {"External-IP",       "string", 1, node_address,         "ExternalIP",                     0, 0},
    {"OS-Image",          "string", 1, cell_text_or_unknown, "status.nodeInfo.osImage",        0, 0},
    {"Kernel-Version",    "string", 1, cell_text_or_unknown, "status.nodeInfo.kernelVersion",  0, 0},
    {"Container-Runtime", "string", 1, cell_text_or_unknown,
      "status.nodeInfo.containerRuntimeVersion",                                                0, 0},
};

/* --- Event -------------------------------------------------------------------------------- */

static struct str event_first(const struct table_row *r)
{
    struct str first = json_str(r->doc, "firstTimestamp");

    return table_since(r, first.n > 0 ? first : json_str(r->doc, "eventTime"));
}

static void event_first_seen(struct buf *b, const struct table_row *r)
{
    json_write_str(b, event_first(r));
}

static void event_last_seen(struct buf *b, const struct table_row *r)
{
    struct str series = json_str(r->doc, "series.lastObservedTime");
    struct str last = json_str(r->doc, "lastTimestamp");

    if (series.n > 0)
        last = series;
    json_write_str(b, last.n > 0 ? table_since(r, last) : event_first(r));
}

static void event_object(struct buf *b, const struct table_row *r)
{
    struct str kind = table_lower(r, json_str(r->doc, "involvedObject.kind"));
    struct str name = json_str(r->doc, "involvedObject.name");

    if (name.n > 0)
        table_printf(b, r, "%.*s/%.*s", STR_ARG(kind), STR_ARG(name));
    else
        json_write_str(b, kind);
}

static void event_source(struct buf *b, const struct table_row *r)
{
    struct str component = json_str(r->doc, "source.component"), host;

    host = json_str(r->doc, "source.host");
    if (component.n == 0)
        component = json_str(r->doc, "reportingComponent");
    if (host.n == 0 && json_str(r->doc, "source.component").n == 0)
        host = json_str(r->doc, "reportingInstance");
    if (host.n > 0)
        table_printf(b, r, "%.*s, %.*s", STR_ARG(component), STR_ARG(host));
    else
        json_write_str(b, component);
}

static void event_message(struct buf *b, const struct table_row *r)
{
    json_write_str(b, str_trim(json_str(r->doc, "message")));
}

static void event_count(struct buf *b, const struct table_row *r)
{
    int64_t count = json_int(r->doc, "series.count", json_int(r->doc, "count", 0));

    buf_printf(b, "%lld", (long long)(count > 0 ? count : 1));
}

static const struct table_column events[] = {
    {"Last Seen",  "string", 0, event_last_seen,  NULL,                       0, 0},
    {"Type",       "string", 0, cell_text,        "type",                     0, 0},
    {"Reason",     "string", 0, cell_text,        "reason",                   0, 0},
    {"Object",     "string", 0, event_object,     NULL,                       0, 0},
    {"Subobject",  "string", 1, cell_text,        "involvedObject.fieldPath", 0, 0},
    {"Source",     "string", 1, event_source,     NULL,                       0, 0},
    {"Message",    "string", 0, event_message,    NULL,                       0, 0},
    {"First Seen", "string", 1, event_first_seen, NULL,                       0, 0},
    {"Count",      "string", 1, event_count,      NULL,                       0, 0},
    {"Name",       "string", 1, cell_name,        NULL,                       0, 0},
};

/* --- small ones --------------------------------------------------------------------------- */

static const struct table_column namespaces[] = {
    TABLE_NAME,
    {"Status", "string", 0, cell_text, "status.phase", 0, 0},
    TABLE_AGE,
};

static void config_data(struct buf *b, const struct table_row *r)
{
    buf_printf(b, "%d",
               cJSON_GetArraySize(json_get(r->doc, "data")) +
                   cJSON_GetArraySize(json_get(r->doc, "binaryData")));
}

static const struct table_column configmaps[] = {
    TABLE_NAME,
    {"Data", "string", 0, config_data, NULL, 0, 0},
    TABLE_AGE,
};

static const struct table_column secrets[] = {
    TABLE_NAME,
    {"Type", "string", 0, cell_text,  "type", 0, 0},
    {"Data", "string", 0, cell_count, "data", 0, 0},
    TABLE_AGE,
};

static const struct table_column accounts[] = {
    TABLE_NAME,
    {"Secrets", "string", 0, cell_count, "secrets", 0, 0},
    TABLE_AGE,
};

/* --- volumes ------------------------------------------------------------------------------ */

enum { ATTRIBUTES_CLASS_SINCE = 29 };

static void access_modes(struct buf *b, const struct table_row *r)
{
    static const struct {
        const char *mode, *text;
    } modes[] = {
        {"ReadWriteOnce",    "RWO" },
        {"ReadOnlyMany",     "ROX" },
        {"ReadWriteMany",    "RWX" },
        {"ReadWriteOncePod", "RWOP"},
    };
    struct table_joined j = {.arena = r->arena, .separator = ","};

    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        JSON_EACH(item, json_get(r->doc, r->column->path))
            if (str_is(json_text(item), modes[i].mode)) {
                table_join(&j, str_c(modes[i].text));
                break;
            }
    json_write_str(b, j.text);
}

static void storage_class_of(struct buf *b, const struct table_row *r)
{
    struct str old = json_text(json_member(json_get(r->doc, "metadata.annotations"),
                                           S("volume.beta.kubernetes.io/storage-class")));

    json_write_str(b, old.n > 0 ? old : json_str(r->doc, "spec.storageClassName"));
}

static void text_or_unset(struct buf *b, const struct table_row *r)
{
    struct str text = json_str(r->doc, r->column->path);

    json_write_str(b, text.n > 0 ? text : S("<unset>"));
}

static void claim_status(struct buf *b, const struct table_row *r)
{
    bool ends = json_str(r->doc, "metadata.deletionTimestamp").n > 0;

    json_write_str(b, ends ? S("Terminating") : json_str(r->doc, "status.phase"));
}

static const struct table_column claims[] = {
    TABLE_NAME,
    {"Status",                "string", 0, claim_status,     NULL,                             0, 0},
    {"Volume",                "string", 0, cell_text,        "spec.volumeName",                0, 0},
    {"Capacity",              "string", 0, cell_text,        "status.capacity.storage",        0, 0},
    {"Access Modes",          "string", 0, access_modes,     "status.accessModes",             0, 0},
    {"StorageClass",          "string", 0, storage_class_of, NULL,                             0, 0},
    {"VolumeAttributesClass", "string", 0, text_or_unset,    "spec.volumeAttributesClassName",
      ATTRIBUTES_CLASS_SINCE,                                                                      0},
    TABLE_AGE,
    {"VolumeMode",            "string", 1, text_or_unset,    "spec.volumeMode",                0, 0},
};

static void volume_claim(struct buf *b, const struct table_row *r)
{
    const cJSON *ref = json_get(r->doc, "spec.claimRef");

    if (ref == NULL)
        json_write_str(b, S(""));
    else
        table_printf(b, r, "%.*s/%.*s", STR_ARG(json_str(ref, "namespace")),
                     STR_ARG(json_str(ref, "name")));
}

static const struct table_column volumes[] = {
    TABLE_NAME,
    {"Capacity",              "string", 0, cell_text,        "spec.capacity.storage",              0, 0},
    {"Access Modes",          "string", 0, access_modes,     "spec.accessModes",                   0, 0},
    {"Reclaim Policy",        "string", 0, cell_text,        "spec.persistentVolumeReclaimPolicy", 0, 0},
    {"Status",                "string", 0, claim_status,     NULL,                                 0, 0},
    {"Claim",                 "string", 0, volume_claim,     NULL,                                 0, 0},
    {"StorageClass",          "string", 0, storage_class_of, NULL,                                 0, 0},
    {"VolumeAttributesClass", "string", 0, text_or_unset,    "spec.volumeAttributesClassName",
      ATTRIBUTES_CLASS_SINCE,                                                                          0},
    {"Reason",                "string", 0, cell_text,        "status.reason",                      0, 0},
    TABLE_AGE,
    {"VolumeMode",            "string", 1, text_or_unset,    "spec.volumeMode",                    0, 0},
};

/* --- quotas ------------------------------------------------------------------------------- */

static struct str quota_part(const struct table_row *r, bool limits)
{
    const cJSON *hard = json_get(r->doc, "status.hard"), *used = json_get(r->doc, "status.used");
    struct str *names = arena_array(r->arena, (size_t)cJSON_GetArraySize(hard) + 1, sizeof *names);
    struct table_joined j = {.arena = r->arena, .separator = ", "};
    size_t n = 0;

    JSON_EACH(item, hard)
        if (str_starts(str_c(item->string), S("limits")) == limits)
            names[n++] = str_c(item->string);
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++)
        table_join(&j, arena_printf(r->arena, "%.*s: %.*s/%.*s", STR_ARG(names[i]),
                                    STR_ARG(json_text(json_member(used, names[i]))),
                                    STR_ARG(json_text(json_member(hard, names[i])))));
    return j.text;
}

static void quota_requests(struct buf *b, const struct table_row *r)
{
    json_write_str(b, quota_part(r, false));
}

static void quota_limits(struct buf *b, const struct table_row *r)
{
    json_write_str(b, quota_part(r, true));
}

enum { AGE_LAST_SINCE = 34 };

static const struct table_column quotas[] = {
    TABLE_NAME,
    {"Age",     "string", 0, cell_age,       NULL, 0,              AGE_LAST_SINCE},
    {"Request", "string", 0, quota_requests, NULL, 0,              0             },
    {"Limit",   "string", 0, quota_limits,   NULL, 0,              0             },
    {"Age",     "string", 0, cell_age,       NULL, AGE_LAST_SINCE, 0             },
};

const struct table_kind table_core[] = {
    TABLE("nodes", nodes),
    TABLE("namespaces", namespaces),
    TABLE("events", events),
    TABLE("configmaps", configmaps),
    TABLE("secrets", secrets),
    TABLE("serviceaccounts", accounts),
    TABLE("persistentvolumeclaims", claims),
    TABLE("persistentvolumes", volumes),
    TABLE("resourcequotas", quotas),
    {NULL, NULL, 0, NULL},
};
