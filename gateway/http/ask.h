/* The common handler: one message goes out on the bus, one reply comes in and is the answer. */
#ifndef LYNKS_GATEWAY_HTTP_ASK_H
#define LYNKS_GATEWAY_HTTP_ASK_H

#include "gateway/http/exchange.h"

/* Asks what the exchange's route says (route->ask) and answers with what comes. */
void ask_run(struct exchange *exchange);

#endif
