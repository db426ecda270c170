#include "gateway/api/sign_ins.h"

#include <sodium.h>
#include <stdlib.h>

#include "gateway/http/limiter.h"

struct sign_ins {
    const struct clock *clock;
    struct limiter *by_address, *by_name;
    struct metric *limited_address, *limited_name;
};

static void free_sign_in(void *sign_in)
{
    sodium_memzero(sign_in, sizeof(struct sign_in));
    free(sign_in);
}

static struct str name_key(const struct sign_in *sign_in)
{
    return (struct str){.data = (const char *)sign_in->name_key, .bytes = SIGN_IN_NAME_KEY_BYTES};
}

/* Each name and address together are limited, so that nobody locks another out, and each address,
 * so that it cannot go through the names. The name's attempt is taken first: a client that is
 * refused for a name does not use up what others behind the same address have. */
static enum err take_attempt(struct sign_ins *sign_ins, struct exchange *exchange,
                             struct sign_in *sign_in, struct str username)
{
    uint64_t now_ms = clock_mono_ms(sign_ins->clock);
    struct str address = exchange_address_key(exchange, sign_in->name_key);
    crypto_hash_sha256(sign_in->name_key + ADDRESS_BYTES, (const unsigned char *)username.data,
                       username.bytes);
    struct str name = name_key(sign_in);
    if (!limiter_take(sign_ins->by_name, name, now_ms, &exchange->retry_after_ms)) {
        metric_inc(sign_ins->limited_name);
        return ERR_RATE_LIMITED;
    }
    if (!limiter_take(sign_ins->by_address, address, now_ms, &exchange->retry_after_ms)) {
        limiter_give_back(sign_ins->by_name, name);
        metric_inc(sign_ins->limited_address);
        return ERR_RATE_LIMITED;
    }
    return ERR_OK;
}

enum err sign_ins_try(struct sign_ins *sign_ins, struct exchange *exchange, struct str username)
{
    struct sign_in *sign_in = exchange_attach(exchange, sizeof(*sign_in), free_sign_in);
    return take_attempt(sign_ins, exchange, sign_in, username);
}

enum err sign_ins_begin(struct sign_ins *sign_ins, struct exchange *exchange, struct str username,
                        struct str *ret_token_hash)
{
    enum err err = sign_ins_try(sign_ins, exchange, username);
    if (err != ERR_OK) {
        return err;
    }
    struct sign_in *sign_in = exchange->state;
    auth_draw_token(exchange->all->config.auth, sign_in->token);
    crypto_hash_sha256(sign_in->token_hash, (const unsigned char *)sign_in->token, TOKEN_HEX);
    *ret_token_hash =
        (struct str){.data = (const char *)sign_in->token_hash, .bytes = AUTH_HASH_BYTES};
    return ERR_OK;
}

void sign_ins_end(struct sign_ins *sign_ins, const struct exchange *exchange, enum err err)
{
    const struct sign_in *sign_in = exchange->state;
    if (err == ERR_OK && sign_in->token[0] != '\0') {
        auth_note_good(exchange->all->config.auth, sign_in->token_hash);
    }
    if (err == ERR_OK || err_http_status(err) >= 500) {
        limiter_give_back(sign_ins->by_name, name_key(sign_in));
    }
}

/* ---- life ---- */

static struct metric *limited(struct metrics *metrics, const char *labels)
{
    return metrics_counter(metrics, "lynks_gateway_limited_logins_total",
                           "Logins refused because there were too many.", labels);
}

struct sign_ins *sign_ins_new(const struct clock *clock, struct metrics *metrics,
                              const struct sign_ins_config *config)
{
    struct sign_ins *sign_ins = mem_alloc(sizeof(*sign_ins));
    sign_ins->clock = clock;
    sign_ins->by_address = limiter_new(&(struct limiter_config){
        .burst = config->address_burst,
        .per_minute = config->address_per_minute,
        .keys_max = config->table_max,
    });
    sign_ins->by_name = limiter_new(&(struct limiter_config){
        .burst = config->name_burst,
        .per_minute = config->name_per_minute,
        .keys_max = config->table_max,
    });
    sign_ins->limited_address = limited(metrics, "limit=\"address\"");
    sign_ins->limited_name = limited(metrics, "limit=\"name\"");
    return sign_ins;
}

void sign_ins_free(struct sign_ins **sign_ins)
{
    if (*sign_ins != NULL) {
        limiter_free(&(*sign_ins)->by_address);
        limiter_free(&(*sign_ins)->by_name);
        mem_free(sign_ins);
    }
}
