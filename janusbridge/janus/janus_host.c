#include "janusbridge/janus/janus_host.h"

#include "proto/base/log.h"
#include "proto/base/strbuf.h"
#include "proto/loop/loop_lookup.h"

#define INTERVAL_MS 1000

struct janus_host {
    struct loop *loop;
    char *name;
    const char *servers;
    timer_fn *fn;
    void *arg;
    struct loop_lookup *lookup; /* that is under way */
    uint64_t timer;             /* of the next one */
    bool has_failed;            /* the last one, and that has been logged */
    char *addresses;
};

static void read_addresses(struct janus_host *host, const struct loop_address *addresses,
                           size_t count)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_v6 = strchr(addresses[i].text, ':') != NULL;
        strbuf_add_z(&text, i == 0 ? "" : ",");
        strbuf_add_z(&text, is_v6 ? "[" : "");
        strbuf_add_z(&text, addresses[i].text);
        strbuf_add_z(&text, is_v6 ? "]" : "");
    }
    mem_free(&host->addresses);
    host->addresses = mem_printf("%.*s", (int)text.bytes, text.data);
    strbuf_fini(&text);
}

/* The failure is logged when it begins, not at every try. */
static void on_janus_found(void *arg, const char *failure, const struct loop_address *addresses,
                           size_t count)
{
    struct janus_host *host = arg;
    const bool is_first = host->addresses == NULL;
    if (failure == NULL) {
        read_addresses(host, addresses, count);
    } else if (!host->has_failed) {
        log_warn("host name of Janus not resolved", LOG_Z("host", host->name),
                 LOG_Z("error", failure));
    }
    host->has_failed = failure != NULL;
    loop_lookup_free(&host->lookup);
    if (is_first && failure == NULL) {
        host->fn(host->arg);
    }
}

static void look_janus_up(void *arg)
{
    struct janus_host *host = arg;
    host->timer = clock_after(loop_clock(host->loop), INTERVAL_MS, look_janus_up, host);
    if (host->lookup == NULL) {
        host->lookup = loop_lookup_new(host->loop, host->name, host->servers, on_janus_found, host);
    }
}

struct janus_host *janus_host_new(struct loop *loop, const char *name, const char *servers,
                                  timer_fn *fn, void *arg)
{
    struct janus_host *host = mem_alloc(sizeof(*host));
    *host = (struct janus_host){
        .loop = loop, .name = mem_strdup(name), .servers = servers, .fn = fn, .arg = arg};
    look_janus_up(host);
    return host;
}

void janus_host_free(struct janus_host **host)
{
    struct janus_host *self = *host;
    if (self == NULL) {
        return;
    }
    clock_cancel(loop_clock(self->loop), self->timer);
    loop_lookup_free(&self->lookup);
    mem_free(&self->name);
    mem_free(&self->addresses);
    mem_free(host);
}

const char *janus_host_addresses(const struct janus_host *host)
{
    return host->addresses != NULL ? host->addresses : "";
}
