/* A ring of intrusive links: O(1) to add and to take out, allocates nothing. For the bus' and the
 * loop's own files. */
#ifndef LYNKS_PROTO_BASE_BUS_LIST_H
#define LYNKS_PROTO_BASE_BUS_LIST_H

#include "proto/base/base.h"

struct bus_link {
    struct bus_link *next, *previous; /* itself: in no list, or an empty list's head */
};

static inline void bus_list_init(struct bus_link *link)
{
    link->next = link;
    link->previous = link;
}

static inline bool bus_list_is_empty(const struct bus_link *head)
{
    return head->next == head;
}

/* Takes link out of whatever list it is in; harmless if it is in none. */
static inline void bus_list_remove(struct bus_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    bus_list_init(link);
}

/* Adds a link that is in no list at the end. */
static inline void bus_list_add(struct bus_link *head, struct bus_link *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

#endif
