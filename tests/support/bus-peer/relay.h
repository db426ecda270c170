/* Stands between a publisher of a running stack and those who listen to it, and spoils what it
 * passes on: frames are lost, come twice, or come after the next one, and keep their numbers. */
#ifndef LYNKS_TESTS_SUPPORT_BUS_PEER_RELAY_H
#define LYNKS_TESTS_SUPPORT_BUS_PEER_RELAY_H

/* Listens to the publisher at from ("tcp://...") with the secret key of who may, and publishes at
 * to with the publisher's own. Of 100 frames percent are lost, percent come twice, and percent come
 * late. Prints "RELAYS" once it does, runs until standard input ends, and prints
 * "LOST n DOUBLED n SWAPPED n". Exit code. */
struct relay_keys {
    const char *listener_secret;
    const char *publisher_secret;
    const char *publisher_public;
};
int relay_run(const struct relay_keys *keys, const char *from, const char *to,
              unsigned long percent);

#endif
