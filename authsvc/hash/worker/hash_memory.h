/* The memory of password hashes, kept from one to the next.
 *
 * libsodium 1.0.18 maps the memory of each Argon2 hash, has the kernel fill it with zeros and
 * unmaps it again, which can take nearly as long as the hash itself (tests/bench/PROFILE.md), and
 * has no setting for that. So the program defines mmap and munmap, which the dynamic linker finds
 * before libc's, and which do what libc's do except for that memory, once it is asked for.
 *
 * For a process with one thread. What a hash leaves behind stays until hash_memory_release. */
#ifndef LYNKS_AUTHSVC_HASH_WORKER_HASH_MEMORY_H
#define LYNKS_AUTHSVC_HASH_WORKER_HASH_MEMORY_H

#include <stddef.h>

/* From now on the memory of the last hash is kept. Does nothing under ThreadSanitizer. */
void hash_memory_keep(void);
/* Bytes that are kept. */
size_t hash_memory_bytes(void);
/* Gives back what is kept. Not during a hash. */
void hash_memory_release(void);

#endif
