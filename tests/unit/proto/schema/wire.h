/* Bus frames written by hand, byte by byte: what the codec makes is compared with these, and what
 * it must refuse is made of them. Knows nothing of msgpack-c. */
#ifndef LYNKS_TESTS_UNIT_PROTO_SCHEMA_WIRE_H
#define LYNKS_TESTS_UNIT_PROTO_SCHEMA_WIRE_H

#include "proto/schema/codec.h"

struct wire {
    size_t bytes, places;
    char *data;
};

struct wire *wire_new(void);
void wire_free(struct wire **wire);
struct str wire_str(const struct wire *wire);

void wire_raw(struct wire *wire, const void *data, size_t bytes);
#define WIRE_RAW(wire, literal) wire_raw((wire), (literal), sizeof(literal) - 1)
void wire_uint(struct wire *wire, uint64_t value); /* shortest form */
void wire_text(struct wire *wire, struct str text);
void wire_binary(struct wire *wire, struct str binary);
void wire_array(struct wire *wire, size_t count); /* the head only */
void wire_map(struct wire *wire, size_t count);   /* the head only */

/* The places in the envelope that tests want to change. */
enum {
    WIRE_MAJOR,
    WIRE_MINOR,
    WIRE_MESSAGE,
    WIRE_CORRELATION_ID,
    WIRE_REMAINING_MS,
    WIRE_EXPIRY_UNIX_MS,
    WIRE_REQUEST_ID,
    WIRE_PRINCIPAL,
    WIRE_STATUS,
    WIRE_BODY
};

/* An envelope up to its body: correlation id 7, 4000 ms, expiry 1700000000000, request id "req-1",
 * nobody. */
void wire_envelope(struct wire *wire, uint64_t number, uint64_t status);
/* A whole frame of bridge_info (a message without fields) in which item place is these bytes
 * instead. */
void wire_envelope_with(struct wire *wire, size_t place, struct str bytes);

/* The bounds of a field: of an enum its first and last value. */
uint64_t wire_least(const struct msg_field *field);
uint64_t wire_most(const struct msg_field *field);

/* A field's tag and a value of it: amount is the number, the bytes, or the items (records have
 * their least values). */
void wire_field(struct wire *wire, const struct msg_field *field, uint64_t amount);
void wire_value(struct wire *wire, const struct msg_field *field, uint64_t amount);

/* A record with its required fields, at their least values. */
void wire_record(struct wire *wire, const struct msg_record *record);

/* Decodes a copy of data on the heap that ends where data ends, so that ASan sees a byte read too
 * far. */
enum codec_fault wire_decode(struct str data, struct envelope *ret_envelope, struct msg *ret_msg,
                             struct arena *arena, char **ret_copy);
/* The same for who only wants to know what is wrong with it. */
enum codec_fault wire_fault(struct str data);

/* Sets every field of msg to its upper bound, or the required ones to their lower. Records in lists
 * lie in memory that the next call uses again. */
void wire_fill(struct msg *msg, const struct msg_type *type, bool is_max);
bool wire_equal(const struct msg *a, const struct msg *b);

#endif
