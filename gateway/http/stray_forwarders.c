#include "gateway/http/stray_forwarders.h"

#include "proto/base/address.h"
#include "proto/base/log.h"

#define DEPENDENCY "proxies"

struct stray_forwarders {
    const struct clock *clock;
    struct health *health;
    struct log_gate gate;
    uint64_t seen_mono_ms; /* the last one */
    uint64_t timer;        /* runs while the note stands; 0: it does not */
};

struct stray_forwarders *stray_forwarders_new(const struct clock *clock, struct health *health)
{
    struct stray_forwarders *strays = mem_alloc(sizeof(*strays));
    strays->clock = clock;
    strays->health = health;
    return strays;
}

void stray_forwarders_free(struct stray_forwarders **strays)
{
    if (*strays != NULL) {
        clock_cancel((*strays)->clock, (*strays)->timer);
        mem_free(strays);
    }
}

static void end_stray_note(void *arg)
{
    struct stray_forwarders *strays = arg;
    const uint64_t quiet_ms = clock_mono_ms(strays->clock) - strays->seen_mono_ms;
    strays->timer = 0;
    if (quiet_ms < STRAY_FORWARDERS_TOLD_MS) {
        strays->timer =
            clock_after(strays->clock, STRAY_FORWARDERS_TOLD_MS - quiet_ms, end_stray_note, strays);
    } else {
        health_note(strays->health, DEPENDENCY, "");
    }
}

void stray_forwarders_see(struct stray_forwarders *strays, const uint8_t address[16])
{
    char text[ADDRESS_TEXT_BYTES];
    (void)address_write((struct str){.data = (const char *)address, .bytes = ADDRESS_BYTES}, text);
    strays->seen_mono_ms = clock_mono_ms(strays->clock);
    log_warn_limited(&strays->gate, strays->seen_mono_ms,
                     "a forwarding header from an address that is no trusted proxy",
                     LOG_Z("address", text));
    if (strays->timer == 0) {
        AUTO(mem_free)
        char *note = mem_printf("%s passes on what others ask and is not in "
                                "LYNKS_TRUSTED_PROXIES: its clients count as one address",
                                text);
        health_set(strays->health, DEPENDENCY, true, "");
        health_note(strays->health, DEPENDENCY, note);
        strays->timer =
            clock_after(strays->clock, STRAY_FORWARDERS_TOLD_MS, end_stray_note, strays);
    }
}
