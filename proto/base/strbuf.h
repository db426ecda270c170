/* A text that grows, reused from answer to answer. */
#ifndef LYNKS_PROTO_BASE_STRBUF_H
#define LYNKS_PROTO_BASE_STRBUF_H

#include "proto/base/base.h"

struct strbuf {
    char *data;
    size_t bytes, room;
};

void strbuf_fini(struct strbuf *text);
void strbuf_clear(struct strbuf *text);
void strbuf_add(struct strbuf *text, struct str s);
void strbuf_add_z(struct strbuf *text, const char *z);
void strbuf_add_u64(struct strbuf *text, uint64_t n);
struct str strbuf_str(const struct strbuf *text);

#endif
