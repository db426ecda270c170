/* The transactions of rtc_open, rtc_update and rtc_end. For the files of this folder. */
#ifndef LYNKS_ROOMSVC_STORE_RTC_COMMANDS_H
#define LYNKS_ROOMSVC_STORE_RTC_COMMANDS_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/rtc_store.h"

/* rtc_store_ops.run, but for its first argument. */
enum err rtc_commands_run(struct db_pool *db, const struct msg *request, uint64_t deadline_ms,
                          rtc_store_fn *fn, void *arg);

#endif
