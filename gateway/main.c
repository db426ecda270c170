#include "gateway/gateway.h"

static bool connect_services(struct service *service, const struct gateway_config *config)
{
    return service_connect(service, SERVICE_AUTHSVC, config->authsvc_address) &&
           service_connect(service, SERVICE_ROOMSVC, config->roomsvc_address) &&
           service_connect(service, SERVICE_JANUSBRIDGE, config->janusbridge_address);
}

static int run_gateway(struct service *service, const struct gateway_config *config)
{
    if (!connect_services(service, config)) {
        return EXIT_FAILED;
    }
    const struct gateway_parts parts = {
        .loop = service_loop(service),
        .metrics = service_metrics(service),
        .bus = service_bus(service),
        .health = service_health(service),
    };
    struct gateway *gateway = gateway_new(&parts, config);
    if (gateway == NULL || !gateway_subscribe(gateway, service, config)) {
        gateway_free(&gateway);
        return EXIT_FAILED;
    }
    service_on_health(service, (struct ops_check){.name = "HTTP listener",
                                                  .is_well = gateway_is_accepting,
                                                  .arg = gateway});
    service_on_drain(service, (struct service_drain){
                                  .begin = gateway_drain,
                                  .is_done = gateway_is_drained,
                                  .arg = gateway,
                              });
    int exit_code = service_run(service);
    gateway_free(&gateway);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct gateway_config config = {0};
    enum config_outcome outcome = config_load_checked(&config, "gateway", gateway_options,
                                                      gateway_config_is_valid, argc, argv);
    if (outcome != CONFIG_RUN) {
        return config_exit_code(outcome);
    }
    struct service *service = service_new("gateway", &config.service);
    int exit_code = service == NULL ? EXIT_FAILED : run_gateway(service, &config);
    service_free(&service);
    config_free(&config, gateway_options);
    return exit_code;
}
