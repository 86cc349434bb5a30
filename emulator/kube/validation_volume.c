/* Volumes of pods. Source: Kubernetes, pkg/apis/core/validation. */
#include "kube/validation_kinds.h"

/* Every kind of volume there is; `needs` is the member that it cannot do without. */
static const struct {
    const char *name, *needs;
} sources[] = {
    {"emptyDir",              NULL        },
    {"hostPath",              "path"      },
    {"gcePersistentDisk",     "pdName"    },
    {"awsElasticBlockStore",  "volumeID"  },
    {"gitRepo",               "repository"},
    {"secret",                "secretName"},
    {"nfs",                   "server"    },
    {"iscsi",                 "iqn"       },
    {"glusterfs",             "endpoints" },
    {"persistentVolumeClaim", "claimName" },
    {"rbd",                   "image"     },
    {"flexVolume",            "driver"    },
    {"cinder",                "volumeID"  },
    {"cephfs",                NULL        },
    {"flocker",               NULL        },
    {"downwardAPI",           NULL        },
    {"fc",                    NULL        },
    {"azureFile",             "secretName"},
    {"configMap",             "name"      },
    {"vsphereVolume",         "volumePath"},
    {"quobyte",               NULL        },
    {"azureDisk",             "diskName"  },
    {"photonPersistentDisk",  "pdID"      },
    {"projected",             NULL        },
    {"portworxVolume",        "volumeID"  },
    {"scaleIO",               "gateway"   },
    {"storageos",             NULL        },
    {"csi",                   "driver"    },
    {"ephemeral",             NULL        },
    {"image",                 NULL        },
};

static void check_mode(struct checks *c, struct str place, const cJSON *holder, const char *member)
{
    const cJSON *mode = json_get(holder, member);

    if (cJSON_IsNumber(mode) && (mode->valuedouble < 0 || mode->valuedouble > 0777))
        find_invalid(c, at_child(c, place, member), mode,
                     "must be a number between 0 and 0777 (octal), both inclusive");
}

static void check_items(struct checks *c, struct str place, const cJSON *source)
{
    struct str list = at_child(c, place, "items");
    size_t i = 0;

    check_mode(c, place, source, "defaultMode");
    JSON_EACH(item, json_get(source, "items")) {
        struct str one = at_index(c, list, i++), path = json_str(item, "path");

        if (json_get(item, "fieldRef") == NULL && json_get(item, "resourceFieldRef") == NULL &&
            json_str(item, "key").n == 0)
            find_required(c, at_child(c, one, "key"), "");
        if (path.n == 0)
            find_required(c, at_child(c, one, "path"), "");
        else if (path.at[0] == '/')
            find_invalid_text(c, at_child(c, one, "path"), path, "must be a relative path");
        check_mode(c, one, item, "mode");
    }
}

static void check_projected(struct checks *c, struct str place, const cJSON *projected)
{
    struct str list = at_child(c, place, "sources");
    size_t i = 0;

    check_mode(c, place, projected, "defaultMode");
    JSON_EACH(source, json_get(projected, "sources")) {
        struct str one = at_index(c, list, i++);
        const cJSON *token = json_get(source, "serviceAccountToken");
        const cJSON *seconds = json_get(token, "expirationSeconds");
        struct str at = at_child(c, one, "serviceAccountToken");

        if (json_get(source, "configMap") != NULL)
            check_items(c, at_child(c, one, "configMap"), json_get(source, "configMap"));
        if (json_get(source, "secret") != NULL)
            check_items(c, at_child(c, one, "secret"), json_get(source, "secret"));
        if (token == NULL)
            continue;
        if (cJSON_IsNumber(seconds) && seconds->valuedouble < 600)
            find_invalid(c, at_child(c, at, "expirationSeconds"), seconds,
                         "may not specify a duration less than 10 minutes");
        if (json_str(token, "path").n == 0)
            find_required(c, at_child(c, at, "path"), "");
    }
}

static void check_source(struct checks *c, struct str place, const cJSON *volume)
{
    size_t found = 0;

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const cJSON *source = json_get(volume, sources[i].name);
        struct str at = at_child(c, place, sources[i].name);

        if (source == NULL || cJSON_IsNull(source))
            continue;
        if (found++ > 0) {
            find_forbidden(c, at, "may not specify more than 1 volume type");
            continue;
        }
        if (sources[i].needs != NULL && json_str(source, sources[i].needs).n == 0)
            find_required(c, at_child(c, at, sources[i].needs), "");
        if (strcmp(sources[i].name, "projected") == 0)
            check_projected(c, at, source);
        else if (json_get(source, "items") != NULL || json_get(source, "defaultMode") != NULL)
            check_items(c, at, source);
    }
}

void check_volumes(struct checks *c, struct str place, const cJSON *volumes)
{
    size_t i = 0;

    JSON_EACH(volume, volumes) {
        struct str one = at_index(c, place, i++), name = json_str(volume, "name");

        check_source(c, one, volume);
        need_word(c, at_child(c, one, "name"), name, word_dns_label);
        JSON_EACH(other, volumes) {
            if (other == volume)
                break;
            if (name.n > 0 && str_eq(json_str(other, "name"), name)) {
                find_duplicate(c, at_child(c, one, "name"), json_get(volume, "name"));
                break;
            }
        }
    }
}
