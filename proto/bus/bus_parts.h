/* What both sides of the bus are built from. All borrowed. */
#ifndef LYNKS_PROTO_BUS_BUS_PARTS_H
#define LYNKS_PROTO_BUS_BUS_PARTS_H

#include "proto/base/health.h"
#include "proto/bus/keys.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"
#include "proto/bus/zap.h"

struct bus_parts {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;   /* NULL: readiness is not reported */
    const struct keys *keys; /* NULL: no CURVE; for tests only */
    struct zap *zap;         /* for workers; NULL exactly when keys is */
};

#endif
