#include "authsvc/hash/message/hash_message.h"

#include <errno.h>
#include <sys/socket.h>

bool hash_message_send(int fd, const void *message, size_t bytes)
{
    return send(fd, message, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

bool hash_message_receive(int fd, void *ret_message, size_t bytes)
{
    /* MSG_TRUNC: gives the length that was sent, also when it is longer than what there is room
     * for. */
    ssize_t got;
    do {
        got = recv(fd, ret_message, bytes, MSG_TRUNC);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)bytes;
}
