#include "authsvc/hash/worker/hash_memory.h"

#include <assert.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__ /* gcc's ThreadSanitizer has to see every mmap */
#define CAN_KEEP false
#else
#define CAN_KEEP true
#endif

static struct {
    bool keeps;
    bool is_lent;
    void *at; /* NULL: nothing */
    size_t bytes;
} memory;

void hash_memory_keep(void)
{
    memory.keeps = CAN_KEEP;
}

size_t hash_memory_bytes(void)
{
    return memory.at != NULL ? memory.bytes : 0;
}

static int unmap(void *at, size_t bytes)
{
    return (int)syscall(SYS_munmap, at, bytes);
}

void hash_memory_release(void)
{
    assert(!memory.is_lent);
    if (memory.at != NULL) {
        (void)unmap(memory.at, memory.bytes);
        memory.at = NULL;
    }
}

#ifndef __SANITIZE_THREAD__

/* Memory that libsodium wants for a hash: it alone asks for MAP_POPULATE. */
static void *lend(size_t bytes, int protection, int flags)
{
    if (memory.at == NULL || memory.bytes != bytes) {
        hash_memory_release();
        void *at = mmap64(NULL, bytes, protection, flags, -1, 0);
        if (at == MAP_FAILED) {
            return at;
        }
        memory.at = at;
        memory.bytes = bytes;
    }
    memory.is_lent = true;
    return memory.at;
}

__attribute__((visibility("default"))) void *mmap(void *address, size_t bytes, int protection,
                                                  int flags, int fd, off_t offset)
{
    if (memory.keeps && !memory.is_lent && address == NULL && fd == -1 &&
        (flags & MAP_POPULATE) != 0) {
        return lend(bytes, protection, flags);
    }
    return mmap64(address, bytes, protection, flags, fd, offset);
}

__attribute__((visibility("default"))) int munmap(void *address, size_t bytes)
{
    if (memory.is_lent && address == memory.at && bytes == memory.bytes) {
        memory.is_lent = false;
        return 0;
    }
    return unmap(address, bytes);
}

#endif
