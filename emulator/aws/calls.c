/* The last calls, for tests and for people who wonder what their tool did. */
#include "aws/internal.h"

#include <stdlib.h>

#include "base/memory.h"

/* Copies @s behind what is in @block already. */
static struct str keep(char **block, struct str s)
{
    struct str kept = {*block, s.n};

    if (s.n > 0)
        memcpy(*block, s.at, s.n);
    *block += s.n;
    return kept;
}

void calls_note(struct aws *aws, const struct call *c)
{
    struct str service = c->service != NULL ? str_c(c->service->model->name) : (struct str){0};
    struct str action = c->model != NULL ? str_c(c->model->name) : (struct str){0};
    struct call_note *note;
    char *block;

    if (aws->notes == NULL)
        aws->notes = xcalloc(MOST_CALLS * sizeof *aws->notes);
    note = &aws->notes[aws->note_next];
    aws->note_next = (aws->note_next + 1) % MOST_CALLS;
    if (aws->note_count < MOST_CALLS)
        aws->note_count++;
    free(note->texts);
    block = xcalloc(service.n + action.n + c->identity.arn.n + c->code.n + 1);
    *note = (struct call_note){.time = c->now, .status = c->status, .texts = block};
    note->service = keep(&block, service);
    note->action = keep(&block, action);
    note->principal = keep(&block, c->identity.arn);
    note->code = keep(&block, c->code);
}

cJSON *aws_calls(const struct aws *aws)
{
    cJSON *list = cJSON_CreateArray();
    struct arena a = {0};

    for (size_t i = 0; i < aws->note_count; i++) {
        const struct call_note *note =
            &aws->notes[(aws->note_next + MOST_CALLS - aws->note_count + i) % MOST_CALLS];
        cJSON *one = cJSON_CreateObject();

        json_put_str(one, S("time"), clock_rfc3339_ms(&a, note->time));
        json_put_str(one, S("service"), note->service);
        json_put_str(one, S("action"), note->action);
        json_put_str(one, S("principal"), note->principal);
        json_put_int(one, S("status"), note->status);
        if (note->code.n > 0)
            json_put_str(one, S("code"), note->code);
        cJSON_AddItemToArray(list, one);
    }
    arena_free(&a);
    return list;
}

void calls_free(struct aws *aws)
{
    for (size_t i = 0; i < aws->note_count; i++)
        free(aws->notes[i].texts);
    free(aws->notes);
}
