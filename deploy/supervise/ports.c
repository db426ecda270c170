#include "deploy/supervise/ports.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#define BACKLOG 4096 /* connections that wait while the gateway is being restarted */
#define HELD_MAX ((size_t)TABLE_ENTRIES_MAX * ENTRY_PORTS_MAX)

struct ports {
    int listeners[TABLE_ENTRIES_MAX][ENTRY_LISTENS_MAX];
    int held[HELD_MAX];
    size_t held_count;
};

/* A listening socket, non-blocking as an event loop wants it; -1, errno set. */
static int listen_on(const struct endpoint *endpoint)
{
    int fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (const struct sockaddr *)&endpoint->address, endpoint->address_bytes) == 0 &&
        listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* The inode of the socket that listens on port, from one of /proc/net/tcp and tcp6; 0 if none. */
static unsigned long listener_inode(const char *path, uint16_t port)
{
    FILE *file = fopen(path, "re");
    char line[512];
    unsigned long found = 0;
    while (file && !found && fgets(line, sizeof(line), file)) {
        unsigned local_port = 0;
        unsigned state = 0;
        unsigned long inode = 0;
        int fields = sscanf(line, "%*s %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %lu",
                            &local_port, &state, &inode);
        if (fields == 3 && state == 0x0A /* TCP_LISTEN */ && local_port == port) {
            found = inode;
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

static bool has_socket(const char *pid, const char *socket_name)
{
    AUTO(mem_free) char *path = mem_printf("/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    bool found = false;
    const struct dirent *item;
    while (dir && !found && (item = readdir(dir))) {
        char target[64];
        ssize_t n = readlinkat(dirfd(dir), item->d_name, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        found = !strcmp(target, socket_name);
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}

static char *process_name(const char *pid)
{
    AUTO(mem_free) char *path = mem_printf("/proc/%s/comm", pid);
    char name[64] = "?";
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof(name), file)) {
        name[strcspn(name, "\n")] = '\0';
    }
    if (file) {
        fclose(file);
    }
    return mem_printf("%s[%s]", name, pid);
}

char *port_owner(uint16_t port, pid_t *ret_pid)
{
    unsigned long inode = listener_inode("/proc/net/tcp", port);
    if (!inode) {
        inode = listener_inode("/proc/net/tcp6", port);
    }
    DIR *proc = inode ? opendir("/proc") : NULL;
    if (!proc) {
        return NULL;
    }
    AUTO(mem_free) char *socket_name = mem_printf("socket:[%lu]", inode);
    char *owner = NULL;
    const struct dirent *item;
    while (!owner && (item = readdir(proc))) {
        if (!isdigit((unsigned char)item->d_name[0]) || !has_socket(item->d_name, socket_name)) {
            continue;
        }
        *ret_pid = (pid_t)strtol(item->d_name, NULL, 10);
        owner = process_name(item->d_name);
    }
    closedir(proc);
    return owner;
}

static char *explain(const struct endpoint *endpoint, int why)
{
    if (why != EADDRINUSE) {
        return mem_printf("cannot listen on %s port %u (%s): %s", endpoint->host,
                          (unsigned)endpoint->port, endpoint->variable, strerror(why));
    }
    pid_t pid = 0;
    AUTO(mem_free) char *owner = port_owner(endpoint->port, &pid);
    if (pid == getpid()) {
        return mem_printf("port %u is wanted twice (%s is one of the two)",
                          (unsigned)endpoint->port, endpoint->variable);
    }
    return mem_printf("port %u is taken (%s)%s%s", (unsigned)endpoint->port, endpoint->variable,
                      owner ? "; by " : "", owner ? owner : "");
}

/* Janus' WebSockets (libwebsockets, which takes the name of an interface) do with an address of
 * theirs what the table says. */
static bool is_first_of_interface(const struct endpoint *endpoint)
{
    if (endpoint->address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)&endpoint->address;
        return IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
    }
    const in_addr_t wanted = ((const struct sockaddr_in *)&endpoint->address)->sin_addr.s_addr;
    bool is_first = wanted == INADDR_ANY;
    char seen[IF_NAMESIZE] = "";
    struct ifaddrs *list = NULL;
    if (!is_first && getifaddrs(&list) != 0) {
        return false;
    }
    /* The addresses of an interface follow each other. */
    for (const struct ifaddrs *at = list; at && !is_first; at = at->ifa_next) {
        if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET && strcmp(at->ifa_name, seen) != 0) {
            (void)snprintf(seen, sizeof(seen), "%s", at->ifa_name);
            const struct sockaddr_in *v4 = (const void *)at->ifa_addr;
            is_first = v4->sin_addr.s_addr == wanted;
        }
    }
    if (list) {
        freeifaddrs(list);
    }
    return is_first;
}

/* All are held until the last is bound, so that two entries cannot be given the same one. */
static bool claim(struct ports *ports, const struct endpoint *endpoint, int *ret_fd, char **ret_why)
{
    int fd = listen_on(endpoint);
    if (fd < 0) {
        *ret_why = explain(endpoint, errno);
        return false;
    }
    if (endpoint->by_interface && !is_first_of_interface(endpoint)) {
        *ret_why = mem_printf("cannot listen on %s port %u (%s) alone: the host has to be "
                              "the first IPv4 address of an interface, 0.0.0.0 or ::",
                              endpoint->host, (unsigned)endpoint->port, endpoint->variable);
        close(fd);
        return false;
    }
    if (ret_fd) {
        *ret_fd = fd;
    } else {
        ports->held[ports->held_count++] = fd;
    }
    return true;
}

static void let_go(struct ports *ports)
{
    for (size_t i = 0; i < ports->held_count; i++) {
        close(ports->held[i]);
    }
    ports->held_count = 0;
}

struct ports *ports_claim(const struct table *table, char **ret_why)
{
    AUTO(ports_free) struct ports *ports = mem_alloc(sizeof(*ports));
    for (size_t i = 0; i < TABLE_ENTRIES_MAX; i++) {
        for (size_t j = 0; j < ENTRY_LISTENS_MAX; j++) {
            ports->listeners[i][j] = -1;
        }
    }
    for (size_t i = 0; i < table->entry_count; i++) {
        const struct entry *entry = &table->entries[i];
        for (size_t j = 0; j < entry->listen_count; j++) {
            if (!claim(ports, &entry->listens[j], &ports->listeners[i][j], ret_why)) {
                return NULL;
            }
        }
        for (size_t j = 0; j < entry->port_count; j++) {
            if (!claim(ports, &entry->ports[j], NULL, ret_why)) {
                return NULL;
            }
        }
    }
    let_go(ports);
    return STEAL(ports);
}

void ports_free(struct ports **ports)
{
    if (!*ports) {
        return;
    }
    let_go(*ports);
    for (size_t i = 0; i < TABLE_ENTRIES_MAX; i++) {
        for (size_t j = 0; j < ENTRY_LISTENS_MAX; j++) {
            if ((*ports)->listeners[i][j] >= 0) {
                close((*ports)->listeners[i][j]);
            }
        }
    }
    mem_free(ports);
}

const int *ports_listeners(const struct ports *ports, size_t entry)
{
    return ports->listeners[entry];
}
