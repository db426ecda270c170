#include "roomsvc/wiring.h"

int main(int argc, char **argv)
{
    struct roomsvc_config config = {0};
    enum config_outcome outcome = config_load(&config, "roomsvc", roomsvc_options, argc, argv);
    if (outcome != CONFIG_RUN) {
        return config_exit_code(outcome);
    }
    struct wiring wiring = {0};
    const int exit_code =
        wiring_set_up(&wiring, &config) ? service_run(wiring.service) : EXIT_FAILED;
    wiring_free(&wiring);
    config_free(&config, roomsvc_options);
    return exit_code;
}
