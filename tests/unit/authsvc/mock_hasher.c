#include "tests/unit/authsvc/mock_hasher.h"

static enum err verify(void *self, const char *stored, struct str password, uint64_t deadline_ms,
                       hasher_verified_fn *fn, void *arg)
{
    struct mock_hasher *mock = self;
    if (mock->refuse == ERR_OK) {
        mock->verifications++;
        mock->is_known = stored != NULL;
        (void)str_copy(mock->stored, sizeof(mock->stored), str_of(stored));
        (void)str_copy(mock->password, sizeof(mock->password), password);
        mock->deadline_ms = deadline_ms;
        mock->verified = fn;
        mock->arg = arg;
    }
    return mock->refuse;
}

static enum err hash(void *self, struct str password, uint64_t deadline_ms, hasher_hashed_fn *fn,
                     void *arg)
{
    struct mock_hasher *mock = self;
    if (mock->refuse == ERR_OK) {
        mock->hashes++;
        (void)str_copy(mock->password, sizeof(mock->password), password);
        mock->deadline_ms = deadline_ms;
        mock->hashed = fn;
        mock->arg = arg;
    }
    return mock->refuse;
}

static enum err rehash(void *self, struct str password, hasher_hashed_fn *fn, void *arg)
{
    struct mock_hasher *mock = self;
    if (mock->refuse == ERR_OK) {
        mock->rehashes++;
        (void)str_copy(mock->password, sizeof(mock->password), password);
        mock->hashed = fn;
        mock->arg = arg;
    }
    return mock->refuse;
}

static const struct hasher_ops ops = {.verify = verify, .hash = hash, .rehash = rehash};

struct hasher mock_hasher_hasher(struct mock_hasher *mock)
{
    return (struct hasher){.ops = &ops, .self = mock};
}
