#include "proto/bus/resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static bool is_host_character(char c, bool bracketed)
{
    static const char in_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "._-";
    return c != '\0' && (strchr(in_names, c) != NULL || (bracketed && (c == ':' || c == '%')));
}

static bool read_host_port(struct str text, uint16_t *ret_port)
{
    uint32_t port = 0;
    if (text.bytes == 0 || text.bytes > 5) {
        return false;
    }
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    *ret_port = (uint16_t)port;
    return port >= 1 && port <= UINT16_MAX;
}

/* Splits "host:port" or "[v6]:port". */
static bool split(struct str text, struct str *ret_host, struct str *ret_port, bool *ret_bracketed)
{
    const char *colon = memrchr(text.data, ':', text.bytes);
    if (colon == NULL) {
        return false;
    }
    struct str host = {text.data, (size_t)(colon - text.data)};
    *ret_port = (struct str){colon + 1, text.bytes - host.bytes - 1};
    *ret_bracketed = host.bytes >= 2 && host.data[0] == '[' && host.data[host.bytes - 1] == ']';
    *ret_host = *ret_bracketed ? (struct str){host.data + 1, host.bytes - 2} : host;
    return ret_host->bytes > 0;
}

static bool read_host(struct str text, struct resolve_host *ret_host)
{
    struct str name;
    struct str port;
    bool bracketed;
    if (!split(text, &name, &port, &bracketed) || !read_host_port(port, &ret_host->port) ||
        !str_copy(ret_host->name, sizeof(ret_host->name), name)) {
        return false;
    }
    for (size_t i = 0; i < name.bytes; i++) {
        if (!is_host_character(name.data[i], bracketed)) {
            return false;
        }
    }
    struct resolve_set ignored = {.count = 0};
    ret_host->is_numeric = resolve_number(ret_host->name, &ignored);
    return ret_host->is_numeric || !bracketed;
}

enum err resolve_next_host(const char **address, struct resolve_host *ret_host)
{
    size_t bytes = strcspn(*address, ",");
    if (!read_host((struct str){*address, bytes}, ret_host)) {
        return ERR_BAD_REQUEST;
    }
    *address = (*address)[bytes] == ',' ? *address + bytes + 1 : NULL;
    return ERR_OK;
}

bool resolve_number(const char *text, struct resolve_set *set)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    char usual[RESOLVE_TEXT_BYTES - sizeof("tcp://[]:65535")];
    if (getaddrinfo(text, NULL, &hints, &found) != 0) {
        return false;
    }
    bool is_number = getnameinfo(found->ai_addr, found->ai_addrlen, usual, sizeof(usual), NULL, 0,
                                 NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    if (is_number) {
        resolve_set_add(set, usual);
    }
    return is_number;
}

/* Where item is, or where it belongs. */
static size_t position_of(const struct resolve_set *set, const char *item)
{
    size_t i = 0;
    while (i < set->count && strcmp(set->items[i], item) < 0) {
        i++;
    }
    return i;
}

bool resolve_set_has(const struct resolve_set *set, const char *item)
{
    size_t i = position_of(set, item);
    return i < set->count && strcmp(set->items[i], item) == 0;
}

void resolve_set_add(struct resolve_set *set, const char *item)
{
    size_t place = position_of(set, item);
    size_t bytes = strlen(item) + 1;
    if (place == RESOLVE_SET_MAX || bytes > RESOLVE_TEXT_BYTES || resolve_set_has(set, item)) {
        return;
    }
    if (set->count < RESOLVE_SET_MAX) {
        set->count++;
    }
    memmove(set->items[place + 1], set->items[place],
            (set->count - place - 1) * sizeof(set->items[0]));
    memcpy(set->items[place], item, bytes);
}

bool resolve_set_is_equal(const struct resolve_set *a, const struct resolve_set *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

void resolve_set_add_endpoints(struct resolve_set *set, const struct resolve_set *addresses,
                               uint16_t port)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const char *address = addresses->items[i];
        bool is_v6 = strchr(address, ':') != NULL;
        char text[RESOLVE_TEXT_BYTES];
        int bytes = snprintf(text, sizeof(text), "tcp://%s%s%s:%u", is_v6 ? "[" : "", address,
                             is_v6 ? "]" : "", (unsigned)port);
        if (bytes > 0 && (size_t)bytes < sizeof(text)) {
            resolve_set_add(set, text);
        }
    }
}
