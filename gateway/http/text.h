/* A text that grows, reused from answer to answer. */
#ifndef LYNKS_GATEWAY_HTTP_TEXT_H
#define LYNKS_GATEWAY_HTTP_TEXT_H

#include "proto/base/base.h"

struct text {
    char *data;
    size_t bytes, room;
};

void text_fini(struct text *text);
void text_clear(struct text *text);
void text_add(struct text *text, struct str s);
void text_add_z(struct text *text, const char *z);
void text_add_u64(struct text *text, uint64_t n);
struct str text_str(const struct text *text);

#endif
