# What deploy/up and deploy/install share: which settings there are, what has to be installed for them, and all that a stack needs
# on the disk before its processes start.
# shellcheck shell=bash disable=SC2154

read_stack() {
    read_known
    check_names
    read_options
    read_tls
    read_turn_options
    set_web
}

packages_needed() {
    local list=("$root/deploy/packages/run.txt")
    [[ -n ${LYNKS_BUILD:-} ]] || list+=("$root/deploy/packages/build.txt")
    package_list "${list[@]}" | while IFS= read -r name; do
        case $name in
            janus) [[ -z $private_janus ]] || say janus ;;
            mariadb-server) [[ -z $private_mysql ]] || say mariadb-server ;;
            *) say "$name" ;;
        esac
    done
    [[ $turn_wanted != 1 ]] || package_list "$root/deploy/packages/turn.txt"
    if web_is_to_be_built; then web_packages; fi
    front_packages
}

build_stack() {
    local -a packages
    mapfile -t packages < <(packages_needed)
    install_packages "${packages[@]}"
    build
    build_web
}

prepare_stack() {
    make_accounts
    if [[ -n $private_mysql ]]; then prepare_mysql; else reach_mysql; fi
    set_janus_direct
    if [[ -n $private_janus ]]; then prepare_janus; else reach_janus; fi
    prepare_front
    prepare_turn
    make_keys
    draw_admin_password
    set_url
    set_demo_user
    write_table
}
