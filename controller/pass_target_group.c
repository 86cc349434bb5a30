/* Target groups: made or changed, tagged, filled with targets; those no longer used are deleted.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/tg and internal/alb/tags. */
#include <arpa/inet.h>

#include "attributes.h"
#include "diff.h"
#include "ec2.h"
#include "elb.h"
#include "go_text.h"
#include "pass_show.h"
#include "tagging.h"
#include "validation.h"

enum { DUMMY_PORT = 1 }; /* every target is registered with a port of its own */

/* --- tags ------------------------------------------------------------------------------------ */

static bool change_tags(struct pass *p, struct str arn, const struct pairs *tags, bool remove)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct validation v = {.a = p->a};
    struct query q = {.a = p->a};
    struct str shown = pretty_map(p->a, tags);

    if (tags->n == 0)
        return true;
    pass_log(p, KLOG_INFO, remove ? "tags.go:53" : "tags.go:43", "%s tags %.*s on %.*s",
             remove ? "removing" : "modifying", STR_ARG(shown), STR_ARG(arn));
    query_str(&q, "ResourceArns.member.1", arn);
    if (remove) {
        struct strs keys = {0};

        for (size_t i = 0; i < tags->n; i++)
            strs_add(p->a, &keys, tags->at[i].key);
        query_strs(&q, "TagKeys.member", &keys);
    } else {
        query_pairs(&q, "Tags.member", tags);
        validation_tags(&v, tags, "AddTagsInput.Tags");
    }
    if (pass_validate(p, &v) &&
        pass_query(p, AWS_ELB, remove ? "RemoveTags" : "AddTags", &q, &answer))
        return true;
    pass_event(p, "Warning", "ERROR", "error tagging %.*s due to %.*s", STR_ARG(arn),
               STR_ARG(p->error));
    return false;
}

bool tags_ensure(struct pass *p, struct str arn, const struct pairs *wanted)
{
    struct pairs now, set, remove;

    if (!elb_list_tags(p, arn, &now))
        return false;
    diff_tags(p->a, &now, wanted, &set, &remove);
    return change_tags(p, arn, &set, false) && change_tags(p, arn, &remove, true);
}

/* --- the group itself ------------------------------------------------------------------------ */

/* What both Create and Modify send, checked as the SDK does before sending. */
static bool add_settings(struct pass *p, struct query *q, const char *input,
                         const struct wanted_target_group *w)
{
    const struct service_annotations *s = &w->settings;
    const struct {
        const char *name;
        int64_t value, least;
    } numbers[] = {
        {"HealthCheckIntervalSeconds", s->health_interval, 5},
        {"HealthCheckTimeoutSeconds",  s->health_timeout,  2},
        {"HealthyThresholdCount",      s->healthy_count,   2},
        {"UnhealthyThresholdCount",    s->unhealthy_count, 2},
    };
    struct validation v = {.a = p->a};
    struct str trouble;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        query_int(q, numbers[i].name, numbers[i].value);
        if (numbers[i].value < numbers[i].least)
            validation_min_value(&v, numbers[i].least,
                                 arena_printf(p->a, "%s.%s", input, numbers[i].name).at);
        if (i == 0 && s->health_path.n == 0)
            validation_min_size(&v, 1, arena_printf(p->a, "%s.HealthCheckPath", input).at);
    }
    trouble = validation_error(&v);
    query_str(q, "HealthCheckPath", s->health_path);
    query_str(q, "HealthCheckPort", w->health_port);
    query_str(q, "HealthCheckProtocol", s->health_protocol);
    query_str(q, "Matcher.HttpCode", s->success_codes);
    return trouble.n == 0 || pass_fail(p, "%.*s", STR_ARG(trouble));
}

static bool create(struct pass *p, const struct wanted_target_group *w, struct target_group *ret)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct query q = {.a = p->a};

    pass_log(p, KLOG_INFO, "targetgroup.go:119", "creating target group %.*s", STR_ARG(w->name));
    query_str(&q, "Name", w->name);
    query_str(&q, "Protocol", w->settings.backend_protocol);
    query_int(&q, "Port", DUMMY_PORT);
    query_str(&q, "VpcId", p->settings->vpc_id);
    query_str(&q, "TargetType", w->settings.target_type);
    if (!add_settings(p, &q, "CreateTargetGroupInput", w) ||
        !pass_query(p, AWS_ELB, "CreateTargetGroup", &q, &answer))
        return false;
    *ret = elb_read_target_group(xml_at(answer.xml, "CreateTargetGroupResult.TargetGroups.member"));
    pass_log(p, KLOG_INFO, "targetgroup.go:138", "target group %.*s created: %.*s",
             STR_ARG(w->name), STR_ARG(ret->arn));
    return true;
}

static bool modify(struct pass *p, const struct wanted_target_group *w,
                   const struct target_group *tg)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct query q = {.a = p->a};

    if (!diff_target_group(tg, w))
        return true;
    pass_log(p, KLOG_INFO, "targetgroup.go:144", "modify target group %.*s", STR_ARG(tg->arn));
    query_str(&q, "TargetGroupArn", tg->arn);
    return add_settings(p, &q, "ModifyTargetGroupInput", w) &&
           pass_query(p, AWS_ELB, "ModifyTargetGroup", &q, &answer);
}

static bool set_attributes(struct pass *p, const struct wanted_target_group *w, struct str arn)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct pairs given, now, changes;
    struct str trouble, shown;
    struct query q = {.a = p->a};

    if (w->attributes_error.n > 0)
        return pass_fail(p, "invalid attributes due to %.*s", STR_ARG(w->attributes_error));
    if (!elb_list_attributes(p, "DescribeTargetGroupAttributes", "TargetGroupArn", arn, &given))
        return pass_because(p, "failed to retrieve attributes from TargetGroup in AWS: ");
    if (!attributes_read(p->a, TARGET_GROUP_ATTRIBUTES, &given, true, &now, &trouble))
        return pass_fail(p, "failed parsing attributes: %.*s", STR_ARG(trouble));
    changes = attributes_diff(p->a, &now, &w->attributes);
    if (changes.n == 0)
        return true;
    shown = show_attributes(p->a, &changes);
    pass_log(p, KLOG_INFO, "attributes.go:161", "Modifying TargetGroup %.*s attributes to %.*s.",
             STR_ARG(arn), STR_ARG(shown));
    query_str(&q, "TargetGroupArn", arn);
    query_pairs(&q, "Attributes.member", &changes);
    if (pass_query(p, AWS_ELB, "ModifyTargetGroupAttributes", &q, &answer))
        return true;
    pass_event(p, "Warning", "ERROR", "%.*s attributes modification failed: %.*s", STR_ARG(arn),
               STR_ARG(p->error));
    return false;
}

/* --- targets --------------------------------------------------------------------------------- */

/* Instances that run. */
static bool keep_running(struct pass *p, const struct targets *candidates, struct targets *ret)
{
    for (size_t i = 0; i < candidates->n; i++) {
        bool running;

        if (!ec2_is_running(p, candidates->at[i].id, &running))
            return false;
        if (running)
            *LIST_ADD(p->a, ret) = candidates->at[i];
    }
    return true;
}

static bool is_inside(struct str address, struct str block)
{
    char text[INET_ADDRSTRLEN] = "";
    struct str head, bits;
    struct in_addr a, b;
    int64_t n;

    if (!str_cut(block, '/', &head, &bits) || !str_to_int(bits, &n) || n < 0 || n > 32 ||
        address.n >= sizeof text || head.n >= sizeof text)
        return false;
    memcpy(text, address.at, address.n);
    text[address.n] = 0;
    if (inet_pton(AF_INET, text, &a) != 1)
        return false;
    memcpy(text, head.at, head.n);
    text[head.n] = 0;
    if (inet_pton(AF_INET, text, &b) != 1)
        return false;
    return n == 0 || (ntohl(a.s_addr) ^ ntohl(b.s_addr)) >> (32 - n) == 0;
}

/* An address outside the VPC is reachable from all zones or none. */
static bool set_zones(struct pass *p, const struct targets *candidates, struct targets *ret)
{
    struct strs blocks;

    if (!ec2_list_vpc_blocks(p, &blocks))
        return false;
    for (size_t i = 0; i < candidates->n; i++) {
        struct target target = candidates->at[i];
        bool inside = false;

        for (size_t b = 0; b < blocks.n && !inside; b++)
            inside = is_inside(target.id, blocks.at[b]);
        if (!inside)
            target.zone = S("all");
        *LIST_ADD(p->a, ret) = target;
    }
    return true;
}

static bool change_targets(struct pass *p, struct str arn, const struct targets *targets,
                           bool remove)
{
    const char *action = remove ? "DeregisterTargets" : "RegisterTargets";
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct validation v = {.a = p->a};
    struct query q = {.a = p->a};
    struct str shown = show_targets(p->a, targets);

    if (targets->n == 0)
        return true;
    pass_log(p, KLOG_INFO, remove ? "targets.go:95" : "targets.go:80", "%s %.*s: %.*s",
             remove ? "Removing targets from" : "Adding targets to", STR_ARG(arn), STR_ARG(shown));
    query_str(&q, "TargetGroupArn", arn);
    query_targets(&q, targets);
    for (size_t i = 0; i < targets->n; i++)
        if (targets->at[i].port < 1)
            validation_min_value(&v, 1,
                                 arena_printf(p->a, "%sInput.Targets[%zu].Port", action, i).at);
    if (pass_validate(p, &v) && pass_query(p, AWS_ELB, action, &q, &answer))
        return true;
    pass_log(p, KLOG_ERROR, remove ? "targets.go:102" : "targets.go:87", "Error %s %.*s: %.*s",
             remove ? "removing targets from" : "adding targets to", STR_ARG(arn),
             STR_ARG(p->error));
    pass_event(p, "Warning", "ERROR", "Error %s target group %.*s: %.*s",
               remove ? "removing targets from" : "adding targets to", STR_ARG(arn),
               STR_ARG(p->error));
    return false;
}

static bool set_targets(struct pass *p, const struct wanted_target_group *w, struct str arn,
                        struct targets *ret)
{
    struct targets now, missing, surplus;

    if (w->targets_error.n > 0)
        return pass_fail(p, "%.*s", STR_ARG(w->targets_error));
    if (!(str_is(w->settings.target_type, "instance") ? keep_running : set_zones)(p, &w->targets,
                                                                                  ret))
        return false;
    if (!elb_list_targets(p, arn, &now))
        return false;
    missing = diff_targets(p->a, ret, &now);
    surplus = diff_targets(p->a, &now, ret);
    return change_targets(p, arn, &missing, false) && change_targets(p, arn, &surplus, true);
}

/* --- together -------------------------------------------------------------------------------- */

static bool ensure(struct pass *p, const struct wanted_target_group *w,
                   struct made_target_group *ret)
{
    struct target_group tg;
    bool there;

    if (w->error.n > 0)
        return pass_fail(p, "%.*s", STR_ARG(w->error));
    if (!elb_find_target_group(p, w->name, &there, &tg))
        return pass_because(p, "failed to find existing targetGroup due to ");
    if (!there && !create(p, w, &tg))
        return pass_because(p, "failed to create targetGroup due to ");
    if (there && !modify(p, w, &tg))
        return pass_because(p, "failed to modify targetGroup due to ");
    if (!tags_ensure(p, tg.arn, &w->tags))
        return pass_because(p, "failed to reconcile targetGroup tags due to ");
    if (!set_attributes(p, w, tg.arn))
        return pass_because(p, "failed to reconcile targetGroup attributes due to ");
    ret->arn = tg.arn;
    ret->target_type = w->settings.target_type;
    if (!set_targets(p, w, tg.arn, &ret->targets))
        return pass_because(p, "failed to reconcile targetGroup targets due to ");
    return true;
}

bool target_groups_ensure(struct pass *p, struct made_target_groups *ret)
{
    for (size_t i = 0; i < p->wanted->target_groups.n; i++)
        if (!ensure(p, &p->wanted->target_groups.at[i], LIST_ADD(p->a, ret)))
            return false;
    return true;
}

static bool is_used(const struct made_target_groups *used, struct str arn)
{
    for (size_t i = 0; i < used->n; i++)
        if (str_eq(used->at[i].arn, arn))
            return true;
    return false;
}

bool target_groups_collect(struct pass *p, const struct made_target_groups *used)
{
    const struct pairs *selector = &p->wanted->target_group_selector;
    struct tag_filter *filters = arena_array(p->a, selector->n, sizeof *filters);
    struct tagged_resources found = {0};

    for (size_t i = 0; i < selector->n; i++)
        filters[i] = (struct tag_filter){selector->at[i].key, {selector->at[i].value}, 1};
    if (!tagging_find(p, "elasticloadbalancing:targetgroup", 0, filters, selector->n, &found))
        return pass_because(p, "failed to get targetGroups due to ");
    for (size_t i = 0; i < found.n; i++) {
        if (is_used(used, found.at[i].arn))
            continue;
        pass_log(p, KLOG_INFO, "targetgroup_group.go:93", "deleting target group %.*s",
                 STR_ARG(found.at[i].arn));
        if (!elb_delete(p, "DeleteTargetGroup", "TargetGroupArn", found.at[i].arn))
            return pass_because(p, "failed to delete targetGroup due to ");
    }
    return true;
}
