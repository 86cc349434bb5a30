/* Listeners with their certificates and rules.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/ls. */
#include "diff.h"
#include "elb.h"
#include "go_text.h"
#include "pass_show.h"

/* A wanted listener with all that only AWS can tell filled in. */
struct plan {
    struct wanted_listener wanted;
    struct str default_certificate; /* at == NULL: none */
    struct strs extra_certificates;
};

/* Forwards get the ARNs of their target groups. A copy: the model is not changed. */
static struct actions with_arns(struct pass *p, const struct actions *actions,
                                const struct made_target_groups *groups)
{
    struct actions copy = {0};

    for (size_t i = 0; i < actions->n; i++) {
        struct action action = actions->at[i];

        action.members = (struct pairs){0};
        pairs_put_all(p->a, &action.members, &actions->at[i].members);
        if (action.target_group > 0)
            action_set(p->a, &action, "TargetGroupArn", groups->at[action.target_group - 1].arn);
        *LIST_ADD(p->a, &copy) = action;
    }
    return copy;
}

static bool choose_certificates(struct pass *p, struct plan *plan)
{
    static const char missing[] = "missing certificates annotation %.*s/certificate-arn";
    struct str prefix = p->settings->annotations_prefix;
    struct strs arns = plan->wanted.certificates;

    if (!str_is(plan->wanted.protocol, "HTTPS"))
        return true;
    if (arns.n == 0) {
        if (p->wanted->hosts.n > 0 && !certificates_discover(p, &arns))
            return pass_because(p,
                                "missing certificates annotation %.*s/certificate-arn and could "
                                "not auto-load certificates from ACM: ",
                                STR_ARG(prefix));
        if (arns.n == 0) {
            pass_fail(p, " could not find any matching certificates from ACM to auto-load");
            return pass_because(p, missing, STR_ARG(prefix));
        }
        pass_log(p, KLOG_INFO, "listener.go:236",
                 "Auto-detected and added %zu certificates to listener", arns.n);
    }
    plan->default_certificate = arns.at[0];
    plan->extra_certificates = (struct strs){arns.at + 1, arns.n - 1};
    return true;
}

static bool make_plan(struct pass *p, const struct wanted_listener *w,
                      const struct made_target_groups *groups, struct plan *ret)
{
    *ret = (struct plan){.wanted = *w};
    if (!choose_certificates(p, ret))
        return false;
    if (w->default_error.n > 0)
        return pass_fail(p, "%.*s", STR_ARG(w->default_error));
    ret->wanted.default_actions = with_arns(p, &w->default_actions, groups);
    return true;
}

/* --- the listener itself --------------------------------------------------------------------- */

static void add_settings(struct query *q, const struct plan *plan)
{
    query_int(q, "Port", plan->wanted.port);
    query_str(q, "Protocol", plan->wanted.protocol);
    query_str(q, "SslPolicy", plan->wanted.ssl_policy);
    query_str(q, "Certificates.member.1.CertificateArn", plan->default_certificate);
    query_actions(q, "DefaultActions.member", &plan->wanted.default_actions);
}

static bool create(struct pass *p, struct str load_balancer_arn, const struct plan *plan,
                   struct str *ret_arn)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = p->a};

    pass_log(p, KLOG_INFO, "listener.go:110", "creating listener %lld",
             (long long)plan->wanted.port);
    query_str(&q, "LoadBalancerArn", load_balancer_arn);
    add_settings(&q, plan);
    if (!pass_query(p, AWS_ELB, "CreateListener", &q, &answer))
        return pass_because(p, "failed to create listener due to ");
    *ret_arn = xml_text_at(answer.xml, "CreateListenerResult.Listeners.member.ListenerArn");
    return true;
}

static bool modify(struct pass *p, const struct listener *now, const struct plan *plan)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct query q = {.a = p->a};

    if (!diff_listener(now, &plan->wanted, plan->default_certificate))
        return true;
    pass_log(p, KLOG_INFO, "listener.go:127", "modifying listener %lld, arn: %.*s",
             (long long)plan->wanted.port, STR_ARG(now->arn));
    query_str(&q, "ListenerArn", now->arn);
    add_settings(&q, plan);
    return pass_query(p, AWS_ELB, "ModifyListener", &q, &answer) ||
           pass_because(p, "failed to reconcile listener due to ");
}

/* --- certificates beside the default one ----------------------------------------------------- */

static bool change_certificates(struct pass *p, struct str listener, const struct strs *arns,
                                bool remove)
{
    for (size_t i = 0; i < arns->n; i++) {
        CLEANUP(aws_answer_free) struct aws_answer answer;
        struct query q = {.a = p->a};

        pass_log(p, KLOG_INFO, remove ? "listener.go:198" : "listener.go:185",
                 remove ? "removing certificate %.*s from listener %.*s"
                        : "adding certificate %.*s to listener %.*s",
                 STR_ARG(arns->at[i]), STR_ARG(listener));
        query_str(&q, "ListenerArn", listener);
        query_str(&q, "Certificates.member.1.CertificateArn", arns->at[i]);
        if (!pass_query(p, AWS_ELB,
                        remove ? "RemoveListenerCertificates" : "AddListenerCertificates", &q,
                        &answer))
            return false;
    }
    return true;
}

static bool set_certificates(struct pass *p, struct str listener, const struct strs *extra)
{
    struct strs now, wanted = strs_set(p->a, extra), missing, surplus;

    if (!elb_list_extra_certificates(p, listener, &now))
        return false;
    missing = strs_minus(p->a, &wanted, &now);
    surplus = strs_minus(p->a, &now, &wanted);
    return change_certificates(p, listener, &missing, false) &&
           change_certificates(p, listener, &surplus, true);
}

/* --- rules ----------------------------------------------------------------------------------- */

/* How a step is called, where v1.1.4 logs it, and in what order log and Event come. */
static const struct rule_words {
    const char *action, *doing, *done, *reason;
    const char *doing_place, *failed_place, *done_place;
} rule_words[] = {
    [RULE_CREATE] = {"CreateRule", "creating",  "created",  "CREATE", "rules.go:60",  "rules.go:71",
                     "rules.go:77" },
    [RULE_MODIFY] = {"ModifyRule", "modifying", "modified", "MODIFY", "rules.go:82",  "rules.go:91",
                     "rules.go:98" },
    [RULE_DELETE] = {"DeleteRule", "deleting",  "deleted",  "DELETE", "rules.go:102", "rules.go:107",
                     "rules.go:114"},
};

static struct query rule_query(struct pass *p, struct str listener, const struct rule_step *step)
{
    struct query q = {.a = p->a};

    if (step->change == RULE_CREATE) {
        query_str(&q, "ListenerArn", listener);
        query_int(&q, "Priority", step->wanted->priority);
    } else {
        query_str(&q, "RuleArn", step->found->arn);
    }
    if (step->change != RULE_DELETE) {
        query_actions(&q, "Actions.member", &step->wanted->actions);
        query_conditions(&q, &step->wanted->conditions);
    }
    return q;
}

static bool take_step(struct pass *p, struct str listener, const struct rule_step *step)
{
    const struct rule_words *words = &rule_words[step->change];
    struct query q = rule_query(p, listener, step);
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct str priority, conditions, message;

    priority = step->wanted == NULL ? step->found->priority
                                    : arena_printf(p->a, "%lld", (long long)step->wanted->priority);
    pass_log(p, KLOG_INFO, words->doing_place, "%s rule %.*s on %.*s", words->doing,
             STR_ARG(priority), STR_ARG(listener));
    if (!pass_query(p, AWS_ELB, words->action, &q, &answer)) {
        pass_because(p, "failed %s rule %.*s on %.*s due to ", words->doing, STR_ARG(priority),
                     STR_ARG(listener));
        p->error = go_format(p->a, p->error);
        pass_log(p, KLOG_ERROR, words->failed_place, "%.*s", STR_ARG(p->error));
        pass_event(p, "Warning", "ERROR", "%.*s", STR_ARG(p->error));
        return false;
    }
    conditions = show_conditions(p->a, step->wanted == NULL ? &step->found->conditions
                                                            : &step->wanted->conditions);
    message = arena_printf(p->a, "rule %.*s %s with conditions %.*s", STR_ARG(priority),
                           words->done, STR_ARG(conditions));
    message = go_format(p->a, message);
    pass_log(p, KLOG_INFO, words->done_place, "%.*s", STR_ARG(message));
    pass_event(p, "Normal", words->reason, "%.*s", STR_ARG(message));
    return true;
}

static bool set_rules(struct pass *p, struct str listener, const struct wanted_listener *w,
                      const struct made_target_groups *groups)
{
    struct wanted_listener filled = *w;
    struct rule_steps steps;
    struct rules now;

    if (w->rules_error.n > 0)
        return pass_fail(p, "%.*s", STR_ARG(w->rules_error));
    if (!elb_list_rules(p, listener, &now))
        return false;
    filled.rules.at = arena_array(p->a, w->rules.n, sizeof *filled.rules.at);
    for (size_t i = 0; i < w->rules.n; i++) {
        filled.rules.at[i] = w->rules.at[i];
        filled.rules.at[i].actions = with_arns(p, &w->rules.at[i].actions, groups);
    }
    steps = diff_rules(p->a, &now, &filled);
    for (size_t i = 0; i < steps.n; i++)
        if (!take_step(p, listener, &steps.at[i]))
            return false;
    return true;
}

/* --- together -------------------------------------------------------------------------------- */

static const struct listener *find_port(const struct listeners *all, int64_t port)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].port == port)
            return &all->at[i];
    return NULL;
}

static bool ensure(struct pass *p, struct str load_balancer_arn, const struct wanted_listener *w,
                   const struct listener *now, const struct made_target_groups *groups)
{
    struct plan plan;
    struct str arn;

    if (!make_plan(p, w, groups, &plan))
        return pass_because(p, "failed to build listener config due to ");
    if (now != NULL ? !modify(p, now, &plan) : !create(p, load_balancer_arn, &plan, &arn))
        return false;
    if (now != NULL)
        arn = now->arn;
    if (str_is(w->protocol, "HTTPS") && !set_certificates(p, arn, &plan.extra_certificates))
        return pass_because(
            p, "failed to reconcile extra certificates on listener %.*s: ", STR_ARG(arn));
    return set_rules(p, arn, w, groups) || pass_because(p, "failed to reconcile rules due to ");
}

static bool delete_one(struct pass *p, const char *place, const struct listener *l)
{
    pass_log(p, KLOG_INFO, place, "deleting listener %lld, arn: %.*s", (long long)l->port,
             STR_ARG(l->arn));
    return elb_delete(p, "DeleteListener", "ListenerArn", l->arn);
}

bool listeners_ensure(struct pass *p, struct str load_balancer_arn,
                      const struct made_target_groups *groups)
{
    const struct wanted *w = p->wanted;
    struct listeners now;

    if (!elb_list_listeners(p, load_balancer_arn, &now))
        return false;
    for (size_t i = 0; i < w->listeners.n; i++)
        if (!ensure(p, load_balancer_arn, &w->listeners.at[i],
                    find_port(&now, w->listeners.at[i].port), groups))
            return false;
    for (size_t i = 0; i < now.n; i++) {
        bool used = false;

        for (size_t l = 0; l < w->listeners.n; l++)
            used |= w->listeners.at[l].port == now.at[i].port;
        if (!used && !delete_one(p, "listener_group.go:71", &now.at[i]))
            return false;
    }
    return true;
}

bool listeners_delete(struct pass *p, struct str load_balancer_arn)
{
    struct listeners now;

    if (!elb_list_listeners(p, load_balancer_arn, &now))
        return false;
    for (size_t i = 0; i < now.n; i++)
        if (!delete_one(p, "listener_group.go:85", &now.at[i]))
            return false;
    return true;
}
