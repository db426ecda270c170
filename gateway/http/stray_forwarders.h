/* Those who say for whom they ask (X-Forwarded-For) and are not believed: most likely a proxy that
 * nobody has named, behind which all clients are one address. Told in the log, and as a note of
 * /readyz until none was seen for ten minutes. Whoever reaches the gateway can cause it: it is
 * never a reason not to be ready. */
#ifndef LYNKS_GATEWAY_HTTP_STRAY_FORWARDERS_H
#define LYNKS_GATEWAY_HTTP_STRAY_FORWARDERS_H

#include "proto/base/clock.h"
#include "proto/base/health.h"

#define STRAY_FORWARDERS_TOLD_MS 600000

struct stray_forwarders;

struct stray_forwarders *stray_forwarders_new(const struct clock *clock, struct health *health);
void stray_forwarders_free(struct stray_forwarders **strays);

/* One has sent a request. */
void stray_forwarders_see(struct stray_forwarders *strays, const uint8_t address[16]);

#endif
