/* The one doubly linked list: a ring of links that stand in the items themselves. Adding and taking
 * out take constant time and allocate nothing.
 *
 * The owner of the list has a struct list_link as its head; each item has one for each list that it
 * can be in. An item that knows in which list it is needs no pointer to the head to leave it.
 *
 *   struct queue { struct list_link items; };     list_init (&queue->items);
 *   struct item { struct list_link link; ... };   list_init (&item->link);  unless list_add follows
 *
 *   list_add (&queue->items, &item->link);
 *   LIST_EACH (struct item, item, &queue->items, link) { ... list_remove (&item->link); ... }
 *   for (struct item *item; (item = LIST_FIRST (struct item, &queue->items, link)) != NULL;) { ...
 * }
 *
 * A ring points at itself, so that neither a head nor an item in a list may be moved or copied. */
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

/* Of a head: there is no item. Of an item's link: it is in no list. */
static inline bool list_is_empty(const struct list_link *head)
{
    return head->next == head;
}

/* There are two items at least. */
static inline bool list_has_several(const struct list_link *head)
{
    return head->next != head->previous;
}

/* Takes link out of whatever list it is in; harmless if it is in none. */
static inline void list_remove(struct list_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* Adds a link that is in no list right before another one of a list. */
static inline void list_add_before(struct list_link *place, struct list_link *link)
{
    link->previous = place->previous;
    link->next = place;
    place->previous->next = link;
    place->previous = link;
}

/* Adds a link that is in no list at the end. */
static inline void list_add(struct list_link *head, struct list_link *link)
{
    list_add_before(head, link);
}

/* Likewise, at the front. */
static inline void list_add_first(struct list_link *head, struct list_link *link)
{
    list_add_before(head->next, link);
}

/* The item (a type, say struct item) whose member is at link; NULL if link is the head. */
#define LIST_AT(type, link, head, member)                                                          \
    ((link) != (head) ? CONTAINER_OF((link), type, member) : NULL)

/* The first and the last item; NULL if there is none. */
#define LIST_FIRST(type, head, member) LIST_AT(type, (head)->next, (head), member)
#define LIST_LAST(type, head, member) LIST_AT(type, (head)->previous, (head), member)

/* A loop over all items, in order, that declares item. The body may take out and free item, but not
 * the one that follows it: where it calls what may take out any, loop over LIST_FIRST instead. */
#define LIST_EACH(type, item, head, member)                                                        \
    for (type *item = LIST_FIRST(type, head, member), *item##_next_ = NULL;                        \
         item != NULL && (item##_next_ = LIST_AT(type, item->member.next, (head), member), true);  \
         item = item##_next_)

#endif
