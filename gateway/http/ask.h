/* The common handler: one message goes out on the bus, one reply comes in and is the answer. */
#ifndef LYNKS_GATEWAY_HTTP_ASK_H
#define LYNKS_GATEWAY_HTTP_ASK_H

#include "gateway/http/exchange.h"

/* Asks what the exchange's route says (route->ask), or has asked already, and answers with what
 * comes. */
void ask_run(struct exchange *exchange);

/* Before it is known who asks: asks already, if the route lets it (route->ask->ahead), so that a
 * request takes one way there and back, not two. What comes is kept until ask_run, and thrown away
 * if the exchange ends before. */
void ask_ahead(struct exchange *exchange);

/* For a handler that asks by itself, within its call's callback: takes what came for the exchange.
 * false: there is no such answer, and the exchange has ended. */
bool ask_takes_answer(struct exchange *exchange, enum err err, const struct msg *reply,
                      enum msg_id expected);

#endif
