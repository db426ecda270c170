/* Small things that every file needs: cleanup attributes, allocation, string views.
 *
 * Allocation: sizes that a peer influences are bounded before they get here, so running out of
 * memory is a state of the machine, not an input. mem_* then end the process (abort) and the
 * supervisor starts it again; they never return NULL. */
#ifndef LYNKS_PROTO_BASE_BASE_H
#define LYNKS_PROTO_BASE_BASE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* AUTO (room_free) struct room *room = ...; calls room_free (&room) at the end of the scope. */
#define AUTO(free_fn) __attribute__((cleanup(free_fn)))

/* Hands a pointer on and leaves NULL behind, so that its AUTO does nothing. */
#define STEAL(p)                                                                                   \
    __extension__({                                                                                \
        __typeof__(p) stolen_ = (p);                                                               \
        (p) = NULL;                                                                                \
        stolen_;                                                                                   \
    })

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

void *mem_alloc(size_t bytes);                               /* zeroed */
void *mem_realloc_array(void *p, size_t count, size_t size); /* checks the product */
char *mem_strdup(const char *s);                             /* NULL gives NULL */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *pointer_to_pointer); /* for AUTO: frees *pointer, sets it NULL */
/* One more goes into an array that has count of at most max: who was given more than it was made
 * for ends here, in a release build, too, in which assert checks nothing. */
void mem_expect_room(size_t count, size_t max);

/* A borrowed view of bytes: text without a NUL at its end, or binary. Never owns. */
struct str {
    const char *data;
    size_t bytes;
};

#define STR_LIT(literal) ((struct str){.data = ("" literal), .bytes = sizeof(literal) - 1})
#define STR_NONE ((struct str){.data = NULL, .bytes = 0})

struct str str_of(const char *z); /* NULL gives the empty view */
bool str_eq(struct str a, struct str b);
struct str str_trim(struct str s); /* without the blanks and tabs around it */
char *str_dup(struct str s);       /* NUL-terminated copy, caller frees */
bool str_copy(char *dest, size_t dest_bytes, struct str s); /* false, and "" in dest, if too long */

/* The id that text is: 1 to 18 digits, and not 0. */
bool str_id(struct str text, uint64_t *ret_id);

/* Lower-case hex. dest must hold 2 * bytes + 1. */
void hex_encode(char *dest, const void *data, size_t bytes);
/* Exactly 2 * bytes hex digits of either case; false otherwise, dest then undefined. */
bool hex_decode(void *dest, size_t bytes, struct str hex);

#endif
