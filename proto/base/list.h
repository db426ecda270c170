/* A ring of intrusive links: O(1) to add and to take out, allocates nothing. For the bus' and the
 * loop's own files. */
#ifndef LYNKS_PROTO_BASE_LIST_H
#define LYNKS_PROTO_BASE_LIST_H

#include "proto/base/base.h"

struct list_link {
    struct list_link *next, *previous; /* itself: in no list, or an empty list's head */
};

static inline void list_init(struct list_link *link)
{
    link->next = link;
    link->previous = link;
}

static inline bool list_is_empty(const struct list_link *head)
{
    return head->next == head;
}

/* Takes link out of whatever list it is in; harmless if it is in none. */
static inline void list_remove(struct list_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* Adds a link that is in no list at the end. */
static inline void list_add(struct list_link *head, struct list_link *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

#endif
