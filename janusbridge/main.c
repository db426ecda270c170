#include "janusbridge/parts.h"

int main(int argc, char **argv)
{
    struct janusbridge_config config = {0};
    enum config_outcome outcome =
        config_load(&config, "janusbridge", janusbridge_options, argc, argv);
    if (outcome != CONFIG_RUN) {
        return config_exit_code(outcome);
    }
    struct parts parts = {0};
    const int exit_code = parts_set_up(&parts, &config) ? service_run(parts.service) : EXIT_FAILED;
    parts_free(&parts);
    config_free(&config, janusbridge_options);
    return exit_code;
}
