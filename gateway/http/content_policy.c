#include "gateway/http/content_policy.h"

#include "proto/base/strbuf.h"

static const char fixed[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob: mediastream:; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'; frame-ancestors";

/* Nothing that ends the directive and begins another, nor a pattern. */
static bool is_web_origin(struct str entry)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const size_t bytes = strlen(schemes[i]);
        if (entry.bytes <= bytes || memcmp(entry.data, schemes[i], bytes) != 0) {
            continue;
        }
        for (size_t at = bytes; at < entry.bytes; at++) {
            const char c = entry.data[at];
            const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!is_letter && !(c >= '0' && c <= '9') &&
                (c == '\0' || strchr("-.:[]", c) == NULL)) {
                return false;
            }
        }
        return true;
    }
    return false;
}

/* Shells take the quotes away that the header has. */
static bool is_keyword(struct str entry, const char *word)
{
    const size_t bytes = strlen(word);
    if (entry.bytes == bytes + 2 && entry.data[0] == '\'' && entry.data[bytes + 1] == '\'') {
        entry.data++;
        entry.bytes -= 2;
    }
    return str_eq(entry, str_of(word));
}

char *content_policy_new(const char *ancestors, struct str *ret_bad)
{
    AUTO(strbuf_fini) struct strbuf policy = {0};
    strbuf_add_z(&policy, fixed);
    if (is_keyword(str_trim(str_of(ancestors)), "none")) {
        strbuf_add_z(&policy, " 'none'");
        return str_dup(strbuf_str(&policy));
    }
    for (const char *at = ancestors;; at++) {
        const struct str entry = str_trim((struct str){.data = at, .bytes = strcspn(at, ",")});
        if (!is_keyword(entry, "self") && !is_web_origin(entry)) {
            *ret_bad = entry;
            return NULL;
        }
        strbuf_add_z(&policy, " ");
        strbuf_add(&policy, is_web_origin(entry) ? entry : STR_LIT("'self'"));
        at += strcspn(at, ",");
        if (*at == '\0') {
            return str_dup(strbuf_str(&policy));
        }
    }
}
