/* Tells the service manager that started this process how it is (sd_notify(3)), without systemd's
 * library. */
#ifndef LYNKS_PROTO_BASE_NOTIFY_H
#define LYNKS_PROTO_BASE_NOTIFY_H

#include "proto/base/base.h"

/* Sends text ("READY=1") to the socket that NOTIFY_SOCKET names. True: it was sent, or nobody wants
 * to know. False: errno says why not. */
bool notify_manager(const char *text);

#endif
