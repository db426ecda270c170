/* The protocol document and the fuzzers' dictionary, written from the tables. */
#ifndef LYNKS_PROTO_SCHEMA_PROTODOC_H
#define LYNKS_PROTO_SCHEMA_PROTODOC_H

#include <stdio.h>

/* proto/PROTOCOL.md. */
void protodoc_write_document(FILE *out);

/* A libFuzzer dictionary: the bytes that stand for each message number, tag and bound on the wire.
 */
void protodoc_write_dictionary(FILE *out);

#endif
