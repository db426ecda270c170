/* Who is heard publishing, and since when nobody has heard of it: for those who follow what the
 * replicas of a service publish (bus_subscriptions.h), and ask for what they may have missed. */
#ifndef LYNKS_PROTO_BUS_PUBLISHERS_H
#define LYNKS_PROTO_BUS_PUBLISHERS_H

#include "proto/base/list.h"

/* A publisher counts as silent after this; services give five signs of life in the time. */
#define PUBLISHER_SILENT_MS 500

struct publishers {
    struct list_link list; /* as many as are heard at a time, which resolve.h bounds */
};

void publishers_init(struct publishers *all);
void publishers_fini(struct publishers *all);

/* The publisher at endpoint has been heard now. */
void publishers_hear(struct publishers *all, const char *endpoint, uint64_t now_ms);
/* Nobody listens to endpoint any more; harmless if nobody was heard there. */
void publishers_leave(struct publishers *all, const char *endpoint);

struct publishers_look {
    size_t count;
    size_t silent;
    bool is_new; /* one of the silent ones was not at the look before */
};

/* To be called often. */
struct publishers_look publishers_look(struct publishers *all, uint64_t now_ms);

#endif
