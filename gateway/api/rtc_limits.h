/* How often one participant may make connections by WHIP and WHEP, and change them (RFC 9725,
 * section 5): each attempt counts, whatever comes of it. One for the whole API; lives on the loop.
 */
#ifndef LYNKS_GATEWAY_API_RTC_LIMITS_H
#define LYNKS_GATEWAY_API_RTC_LIMITS_H

#include "gateway/http/exchange.h"

struct rtc_limits;
struct rtc_limits *rtc_limits_new(const struct clock *clock,
                                  struct metrics *metrics); /* borrowed */
void rtc_limits_free(struct rtc_limits **limits);

/* Of who comes with a participant's token or a stream key. ERR_RATE_LIMITED: none is left, and the
 * exchange says when there is one again. */
enum err rtc_limits_take_offer(struct rtc_limits *limits, struct exchange *exchange);
enum err rtc_limits_take_change(struct rtc_limits *limits, struct exchange *exchange);

#endif
