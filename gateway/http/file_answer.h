/* Answers with a file of the web client: to anybody, whatever he comes with, since a link from
 * anywhere must open. */
#ifndef LYNKS_GATEWAY_HTTP_FILE_ANSWER_H
#define LYNKS_GATEWAY_HTTP_FILE_ANSWER_H

#include "gateway/http/exchange.h"

/* exchange->file, as it is or compressed; 304 to who has it; 405 to what is neither GET nor HEAD.
 * The exchange is gone afterwards. */
void file_answer(struct exchange *exchange);

#endif
