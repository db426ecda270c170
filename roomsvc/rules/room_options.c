#include "roomsvc/rules/room_options.h"

#include <sodium.h>

#define PIN_DIGITS_MIN 4
#define PIN_SALT_BYTES 16
#define PARTICIPANTS_DEFAULT 100

struct managed_room room_options_default(uint64_t publishers_max)
{
    return (struct managed_room){.access = ROOM_OPEN,
                                 .guests_wait = 1,
                                 .participants_max = PARTICIPANTS_DEFAULT,
                                 .publishers_max = publishers_max,
                                 .chat = 1,
                                 .screen_share = 1,
                                 .unmute = ROOM_UNMUTE_SELF,
                                 .empty_timeout_s = ROOM_EMPTY_TIMEOUT_S,
                                 .version = 1};
}

static bool is_pin(struct str pin)
{
    for (size_t i = 0; i < pin.bytes; i++) {
        if (pin.data[i] < '0' || pin.data[i] > '9') {
            return false;
        }
    }
    return pin.bytes == 0 || pin.bytes >= PIN_DIGITS_MIN;
}

/* Janus asks for no less. */
static bool is_bitrate(uint64_t bitrate)
{
    return bitrate == 0 || bitrate >= MEDIA_BITRATE_MIN;
}

static void set(bool is_there, uint64_t value, uint64_t *ret)
{
    if (is_there) {
        *ret = value;
    }
}

enum err room_options_apply(const struct msg_room_options *o, uint64_t publishers_max,
                            struct managed_room *room)
{
    struct managed_room next = *room;
    set(o->has_access, o->access, &next.access);
    set(o->has_guests_wait, o->guests_wait, &next.guests_wait);
    set(o->has_lobby, o->lobby, &next.lobby);
    set(o->has_locked, o->locked, &next.locked);
    set(o->has_pin, o->pin.bytes > 0, &next.has_pin);
    set(o->has_participants_max, o->participants_max, &next.participants_max);
    set(o->has_publishers_max, o->publishers_max, &next.publishers_max);
    set(o->has_bitrate, o->bitrate, &next.bitrate);
    set(o->has_chat, o->chat, &next.chat);
    set(o->has_screen_share, o->screen_share, &next.screen_share);
    set(o->has_mute_on_entry, o->mute_on_entry, &next.mute_on_entry);
    set(o->has_unmute, o->unmute, &next.unmute);
    set(o->has_expires_at, o->expires_at, &next.expires_unix_ms);
    set(o->has_empty_timeout_s, o->empty_timeout_s, &next.empty_timeout_s);
    const bool is_past =
        o->has_expires_at && o->expires_at != 0 && o->expires_at <= room->now_unix_ms;
    if ((o->has_name && !label_make(o->name, next.name)) || (o->has_pin && !is_pin(o->pin)) ||
        is_past || (o->has_bitrate && !is_bitrate(o->bitrate)) ||
        (o->has_publishers_max && o->publishers_max > publishers_max)) {
        return ERR_WRONG_MEMBER;
    }
    *room = next;
    return ERR_OK;
}

bool room_options_only_guard(const struct msg_room_options *o)
{
    return !(o->has_name || o->has_access || o->has_guests_wait || o->has_pin ||
             o->has_participants_max || o->has_publishers_max || o->has_bitrate || o->has_chat ||
             o->has_screen_share || o->has_mute_on_entry || o->has_unmute || o->has_expires_at ||
             o->has_empty_timeout_s);
}

bool room_options_differ(const struct managed_room *a, const struct managed_room *b)
{
    return strcmp(a->name, b->name) != 0 || a->access != b->access ||
           a->guests_wait != b->guests_wait || a->lobby != b->lobby || a->locked != b->locked ||
           a->participants_max != b->participants_max || a->publishers_max != b->publishers_max ||
           a->bitrate != b->bitrate || a->chat != b->chat || a->screen_share != b->screen_share ||
           a->mute_on_entry != b->mute_on_entry || a->unmute != b->unmute ||
           a->expires_unix_ms != b->expires_unix_ms || a->empty_timeout_s != b->empty_timeout_s;
}

static void hash_pin(struct str pin, const unsigned char salt[PIN_SALT_BYTES],
                     unsigned char ret_hash[ROOM_PIN_BYTES - PIN_SALT_BYTES])
{
    crypto_generichash(ret_hash, ROOM_PIN_BYTES - PIN_SALT_BYTES, (const unsigned char *)pin.data,
                       pin.bytes, salt, PIN_SALT_BYTES);
}

void room_pin_make(struct str pin, unsigned char ret_stored[ROOM_PIN_BYTES])
{
    randombytes_buf(ret_stored, PIN_SALT_BYTES);
    hash_pin(pin, ret_stored, ret_stored + PIN_SALT_BYTES);
}

bool room_pin_is(struct str pin, const unsigned char stored[ROOM_PIN_BYTES])
{
    unsigned char hash[ROOM_PIN_BYTES - PIN_SALT_BYTES];
    hash_pin(pin, stored, hash);
    return sodium_memcmp(hash, stored + PIN_SALT_BYTES, sizeof(hash)) == 0;
}
