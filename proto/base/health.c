#include "proto/base/health.h"

#include <jansson.h>

#define DEPENDENCIES_MAX 16

struct dependency {
    const char *name;
    char *reason;
    char *note; /* NULL: none */
    bool ready;
};

struct health {
    struct dependency dependencies[DEPENDENCIES_MAX];
    size_t count;
};

struct health *health_new(void)
{
    return mem_alloc(sizeof(struct health));
}

void health_free(struct health **health)
{
    if (*health != NULL) {
        for (size_t i = 0; i < (*health)->count; i++) {
            mem_free(&(*health)->dependencies[i].reason);
            mem_free(&(*health)->dependencies[i].note);
        }
        mem_free(health);
    }
}

static struct dependency *get_dependency(struct health *health, const char *name)
{
    size_t i = 0;
    while (i < health->count && strcmp(health->dependencies[i].name, name) != 0) {
        i++;
    }
    if (i == health->count) {
        mem_expect_room(health->count, DEPENDENCIES_MAX);
        health->count++;
        health->dependencies[i] = (struct dependency){.name = name, .reason = mem_strdup("")};
    }
    return &health->dependencies[i];
}

void health_set(struct health *health, const char *name, bool ready, const char *reason)
{
    struct dependency *dependency = get_dependency(health, name);
    dependency->ready = ready;
    if (strcmp(dependency->reason, reason) != 0) {
        mem_free(&dependency->reason);
        dependency->reason = mem_strdup(reason);
    }
}

void health_note(struct health *health, const char *name, const char *note)
{
    struct dependency *dependency = get_dependency(health, name);
    mem_free(&dependency->note);
    dependency->note = note[0] != '\0' ? mem_strdup(note) : NULL;
}

bool health_is_ready(const struct health *health)
{
    for (size_t i = 0; i < health->count; i++) {
        if (!health->dependencies[i].ready) {
            return false;
        }
    }
    return true;
}

void health_each(const struct health *health, health_fn *fn, void *arg)
{
    for (size_t i = 0; i < health->count; i++) {
        const struct dependency *dependency = &health->dependencies[i];
        fn(arg, dependency->name, dependency->ready, dependency->reason);
    }
}

char *health_json(const struct health *health)
{
    json_t *dependencies = json_object();
    for (size_t i = 0; i < health->count; i++) {
        const struct dependency *d = &health->dependencies[i];
        json_object_set_new(dependencies, d->name,
                            json_pack("{s:b, s:s, s:s*}", "ready", d->ready, "reason",
                                      d->ready ? "" : d->reason, "note", d->note));
    }
    json_t *all =
        json_pack("{s:b, s:o}", "ready", health_is_ready(health), "dependencies", dependencies);
    char *text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    return text;
}
