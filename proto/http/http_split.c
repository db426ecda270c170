#include "proto/http/http_split.h"

void http_split_begin(struct http_split *split, const char *method, struct str target,
                      const char *version)
{
    const char *after_method = method + strlen(method) + 1;
    *split = (struct http_split){.head = method, .next = version + strlen(version) + 2};
    split->is_plain = after_method + strspn(after_method, " ") == target.data &&
                      target.data + target.bytes + 1 == version;
}

void http_split_add(struct http_split *split, struct str name, struct str value)
{
    const char *after_colon = name.data + name.bytes + 1;
    split->is_plain = split->is_plain && name.data == split->next &&
                      after_colon + strspn(after_colon, " \t") == value.data &&
                      !http_has_control(value);
    split->next = value.data + value.bytes + 2;
    http_framing_add(&split->framing, name, value);
}

bool http_split_is_plain(const struct http_split *split, size_t head_bytes)
{
    return split->is_plain && split->next + 2 == split->head + head_bytes &&
           split->next[0] == '\0' && split->next[1] == '\0';
}
