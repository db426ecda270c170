#include "proto/bus/publishers.h"

struct publisher {
    struct list_link link;
    char *endpoint;
    uint64_t heard_ms;
    bool is_silent; /* as the last look has seen it */
};

static struct publisher *publisher_at(const struct publishers *all, const char *endpoint)
{
    LIST_EACH (struct publisher, publisher, &all->list, link) {
        if (strcmp(publisher->endpoint, endpoint) == 0) {
            return publisher;
        }
    }
    return NULL;
}

static void forget_publisher(struct publisher *publisher)
{
    list_remove(&publisher->link);
    mem_free(&publisher->endpoint);
    mem_free(&publisher);
}

void publishers_init(struct publishers *all)
{
    list_init(&all->list);
}

void publishers_fini(struct publishers *all)
{
    for (struct publisher *publisher;
         (publisher = LIST_FIRST(struct publisher, &all->list, link)) != NULL;) {
        forget_publisher(publisher);
    }
}

void publishers_hear(struct publishers *all, const char *endpoint, uint64_t now_ms)
{
    struct publisher *publisher = publisher_at(all, endpoint);
    if (publisher == NULL) {
        publisher = mem_alloc(sizeof(*publisher));
        publisher->endpoint = mem_strdup(endpoint);
        list_add(&all->list, &publisher->link);
    }
    publisher->heard_ms = now_ms;
    publisher->is_silent = false;
}

void publishers_leave(struct publishers *all, const char *endpoint)
{
    struct publisher *publisher = publisher_at(all, endpoint);
    if (publisher != NULL) {
        forget_publisher(publisher);
    }
}

struct publishers_look publishers_look(struct publishers *all, uint64_t now_ms)
{
    struct publishers_look look = {.count = 0};
    LIST_EACH (struct publisher, publisher, &all->list, link) {
        const bool is_silent = now_ms - publisher->heard_ms >= PUBLISHER_SILENT_MS;
        look.is_new = look.is_new || (is_silent && !publisher->is_silent);
        publisher->is_silent = is_silent;
        look.count++;
        look.silent += is_silent;
    }
    return look;
}
