/* What is read of a request's header: its whole head; framing, X-Forwarded-For, Origin. Each line
 * of the input is a field; the first is also tried as a list of proxies and of origins.
 *
 * Aims at: proto/http/http_head.c proto/http/http_framing.c proto/http/http_target.c
 * Aims at: gateway/http/proxies.c gateway/http/cors.c
 * Links: gateway_http
 * Dictionary: http_head.dict */
#include <stdlib.h>

#include "gateway/http/cors.h"
#include "gateway/http/proxies.h"
#include "proto/http/http_framing.h"
#include "proto/http/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void try_lists(const char *line, uint8_t client[16])
{
    struct str bad;
    struct proxies *proxies = proxies_new(line, &bad);
    if (proxies != NULL) {
        (void)proxies_follow(proxies, str_of(line), client);
        proxies_free(&proxies);
    }
    const char *allowed = cors_allow(line, "https://a.example");
    if (allowed != NULL && strstr(line, allowed) == NULL) {
        abort();
    }
}

static void try_line(const struct proxies *proxies, struct http_framing *framing, struct str line,
                     uint8_t client[16])
{
    const char *colon = line.bytes > 0 ? memchr(line.data, ':', line.bytes) : NULL;
    size_t name_bytes = colon == NULL ? line.bytes : (size_t)(colon - line.data);
    size_t value_at = colon == NULL ? line.bytes : name_bytes + 1;
    http_framing_add(framing, (struct str){.data = line.data, .bytes = name_bytes},
                     (struct str){.data = line.data + value_at, .bytes = line.bytes - value_at});
    (void)proxies_follow(proxies, line, client);
}

static void try_head(struct str bytes)
{
    struct http_head head;
    if (http_head_read(bytes, &head) != ERR_OK || head.bytes == 0 || !http_head_is_strict(&head)) {
        return;
    }
    struct http_head_copy *copy = http_head_copy(&head);
    if (head.bytes > bytes.bytes || copy->field_count > head.field_count ||
        strlen(copy->path) != head.parts.path.bytes) {
        abort();
    }
    (void)http_head_copy_find(copy, "host");
    mem_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const uint8_t peer[16] = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 1};
    struct http_framing framing = {0};
    uint8_t client[16];
    struct str bad;
    char *text = str_dup((struct str){.data = (const char *)data, .bytes = bytes});
    try_head((struct str){.data = (const char *)data, .bytes = bytes});
    struct proxies *proxies = proxies_new("10.0.0.0/8,fd00::/7,::1", &bad);
    memcpy(client, peer, sizeof(client));
    for (size_t at = 0; at < bytes;) {
        size_t line_bytes = strcspn(text + at, "\n");
        try_line(proxies, &framing, (struct str){.data = text + at, .bytes = line_bytes}, client);
        at += line_bytes + 1;
    }
    (void)http_framing_is_sound(&framing, "HTTP/1.1");
    text[strcspn(text, "\n")] = '\0';
    try_lists(text, client);
    proxies_free(&proxies);
    free(text);
    return 0;
}
