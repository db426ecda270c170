/* Judging an endpoint: is it silent, that is, does it answer nothing although calls wait there?
 * Gives a verdict with each tick; what follows from it is the owner's business. */
#ifndef LYNKS_PROTO_BUS_BUS_SILENCE_H
#define LYNKS_PROTO_BUS_BUS_SILENCE_H

#include "proto/base/base.h"

/* When endpoints are left alone. 0: what is given in brackets. */
struct bus_patience {
    uint64_t silent_ms;        /* no answer at all while calls wait there [150] */
    uint64_t silent_costly_ms; /* the same while only costly calls wait there [1000] */
    uint64_t probe_ms;         /* a silent one is asked again so often [500] */
    uint64_t refusing_ms;      /* one that takes no calls is asked again so often [200] */
};

void bus_patience_complete(struct bus_patience *patience);          /* 0 becomes the default */
uint64_t bus_patience_tick_ms(const struct bus_patience *patience); /* a complete one's */

/* Of one endpoint. Embedded; zeroed at first. */
struct bus_silence {
    uint64_t answers;     /* all that came; the owner counts them */
    uint64_t answers_old; /* as of the last tick */
    unsigned ticks;       /* without an answer while calls waited */
    unsigned light_ticks; /* without an answer while calls waited that are not costly */
};

enum bus_verdict {
    BUS_VERDICT_WELL,
    /* Light calls are answered soon by whoever is well. */
    BUS_VERDICT_SILENT_TO_LIGHT,
    /* Costly ones were to be answered by now too. */
    BUS_VERDICT_SILENT
};

/* To be called once a tick. in_flight, costly_in_flight: the calls that wait there, and how many of
 * them are costly. */
enum bus_verdict bus_silence_tick(struct bus_silence *silence, const struct bus_patience *patience,
                                  size_t in_flight, size_t costly_in_flight);
/* Silence counts from now on. */
void bus_silence_restart(struct bus_silence *silence);
/* Only that to light calls does; that to the costly ones, which stay there, is counted on. */
void bus_silence_restart_light(struct bus_silence *silence);

#endif
