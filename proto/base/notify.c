#include "proto/base/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_manager(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL) {
        return true;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t path_bytes = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || path_bytes < 2 ||
        path_bytes >= sizeof(address.sun_path)) {
        errno = EINVAL;
        return false;
    }
    memcpy(address.sun_path, path, path_bytes);
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; /* in the abstract namespace: unix(7) */
    }
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_bytes);
    const bool sent =
        sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, bytes) >= 0;
    const int why = errno;
    close(fd);
    errno = why;
    return sent;
}
