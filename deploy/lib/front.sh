# HTTPS: the front (HAProxy) and who keeps its certificate, both of deploy/front. In the state folder front/ has copies of
# them, front/run/ is the front's account's, and front/KIND/ is who keeps that kind of certificate: root, who reads the files of
# others and has the key of our own authority; the front's account where it comes by ACME, from the internet.
# shellcheck shell=bash disable=SC2154

# Which kind: none, files, internal or acme.
read_tls() {
    local tls cert key
    domain=$(value LYNKS_DOMAIN)
    tls=$(value LYNKS_TLS) cert=$(value LYNKS_TLS_CERT_FILE) key=$(value LYNKS_TLS_KEY_FILE)
    tls_kind=none
    [[ -z $cert && -z $key ]] || [[ -n $cert && -n $key ]] ||
        refuse "LYNKS_TLS_CERT_FILE and LYNKS_TLS_KEY_FILE are set together, or not at all"
    case $tls in
        off) ;;
        internal) tls_kind=internal ;;
        auto)
            if [[ -n $cert ]]; then tls_kind=files; elif [[ -n $domain ]]; then tls_kind=acme; fi
            ;;
        *) refuse "LYNKS_TLS must be auto, internal or off, not '$tls'" ;;
    esac
    [[ $tls_kind == none || $tls_kind == files || -z $cert ]] || refuse "LYNKS_TLS_CERT_FILE is not for LYNKS_TLS=$tls"
    [[ $tls_kind != none ]] || return 0
    read_tls_places
    [[ $tls_kind != files ]] || check_tls_files "$cert" "$key"
    set_tls_names
    set_public_url
}

read_tls_places() {
    tls_host=$(value LYNKS_TLS_HOST) tls_port=$(value LYNKS_TLS_PORT) tls_http_port=$(value LYNKS_TLS_HTTP_PORT)
    if [[ -z $tls_host ]]; then
        [[ -s /proc/net/if_inet6 ]] && tls_host=:: || tls_host=0.0.0.0
    fi
    need_address LYNKS_TLS_HOST "$tls_host"
    need_port LYNKS_TLS_PORT "$tls_port"
    [[ $tls_http_port == 0 ]] || need_port LYNKS_TLS_HTTP_PORT "$tls_http_port"
    [[ $tls_kind != acme || $tls_http_port != 0 ]] ||
        refuse "LYNKS_TLS_HTTP_PORT cannot be 0: the authority that gives certificates comes there (as port 80)"
    tls_ops_port=$((base_port + 98))
}

check_tls_files() { # certificate, key
    local file of_cert of_key
    for file in "$@"; do
        [[ -f $file && -r $file ]] || refuse "LYNKS_TLS_CERT_FILE, LYNKS_TLS_KEY_FILE: cannot read $file"
    done
    command -v openssl >/dev/null || return 0 # is installed later; then it is the keeper's to say
    of_cert=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) || refuse "LYNKS_TLS_CERT_FILE: no certificate is in $1"
    of_key=$(openssl pkey -in "$2" -pubout -passin pass: 2>/dev/null) ||
        refuse "LYNKS_TLS_KEY_FILE: no key without a password is in $2"
    [[ $of_cert == "$of_key" ]] || refuse "LYNKS_TLS_KEY_FILE: the key in $2 is not that of the certificate in $1"
}

is_host_name() {
    [[ ${#1} -le 253 && $1 =~ ^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$ ]]
}

# Of our own authority: all by which this machine may be known, unless somebody says which.
set_tls_names() {
    local name
    local -a all
    tls_names=$(value LYNKS_TLS_NAMES)
    [[ $tls_kind == internal || -z $tls_names ]] || refuse "LYNKS_TLS_NAMES is for LYNKS_TLS=internal"
    case $tls_kind in
        acme) tls_names=$domain ;;
        internal)
            if [[ -z $tls_names ]]; then
                # shellcheck disable=SC2206,SC2207
                all=($domain $(hostname -I 2>/dev/null) $(hostname 2>/dev/null) localhost 127.0.0.1)
                tls_names=$(IFS=, && printf '%s' "${all[*]}")
            elif [[ -n $domain ]]; then
                tls_names=$domain,$tls_names
            fi
            ;;
    esac
    IFS=, read -ra all <<<"$tls_names"
    for name in "${all[@]}"; do
        is_address "$name" || is_host_name "$name" || refuse "${domain:+LYNKS_DOMAIN, }LYNKS_TLS_NAMES: '$name' is no name or address"
    done
}

# As people open it: what the gateway takes for its own address.
set_public_url() {
    local host=${domain:-${tls_names%%,*}}
    [[ $host != *:* ]] || host="[$host]"
    if [[ -z ${LYNKS_PUBLIC_URL:-} ]]; then
        [[ -n $host ]] || refuse "LYNKS_TLS_CERT_FILE needs LYNKS_DOMAIN or LYNKS_PUBLIC_URL: the name that the certificate is for"
        export LYNKS_PUBLIC_URL=https://$host
        ((tls_port == 443)) || LYNKS_PUBLIC_URL+=:$tls_port
    fi
    [[ $LYNKS_PUBLIC_URL == https://* ]] || refuse "LYNKS_PUBLIC_URL must begin with https:// where LYNKS_TLS or LYNKS_DOMAIN is set"
    # Who is reached at all addresses is reached by others, whatever the gateway's own address is.
    if [[ -z ${LYNKS_HTTP_PUBLISHED:-} && $http_host =~ ^(127\.|::1$) ]]; then
        host=$tls_host
        [[ $host != *:* ]] || host="[$host]"
        export LYNKS_HTTP_PUBLISHED=$host:$tls_port
    fi
}

front_ports() { # lines of HOST PORT VARIABLE
    [[ $tls_kind != none ]] || return 0
    say "$tls_host $tls_port LYNKS_TLS_PORT"
    [[ $tls_http_port == 0 ]] || say "$tls_host $tls_http_port LYNKS_TLS_HTTP_PORT"
    say "127.0.0.1 $tls_ops_port LYNKS_BASE_PORT"
}

front_packages() {
    [[ $tls_kind == none ]] || package_list "$root/deploy/packages/front.txt"
}

# The address by which the gateway knows the front: on loopback one that nobody has by chance, so that another proxy on this
# machine is not taken for it.
set_front_source() {
    front_gateway=$http_host front_source=127.0.46.80
    case $http_host in
        0.0.0.0) front_gateway=127.0.0.1 ;;
        ::) front_gateway=::1 front_source=::1 ;;
        127.*) ;;
        *) front_source=$http_host ;;
    esac
    [[ $front_gateway != *:* ]] || front_gateway="[$front_gateway]"
    front_gateway+=:$http_port
}

own_by_front() { # mode, folder
    install -d -m "$1" ${accounts:+-o "$accounts-front" -g "$accounts-front"} "$2"
}

prepare_front() {
    local dir=$state/front
    [[ $tls_kind != none ]] || return 0
    [[ -z $accounts ]] || make_account "$accounts-front"
    install -d -m 711 "$dir"
    own_by_front 700 "$dir/run"
    if [[ $tls_kind == acme ]]; then
        own_by_front 700 "$dir/acme"
    else
        install -d -m 2750 ${accounts:+-g "$accounts-front"} "$dir/$tls_kind" # what is made in it is the group's, too
    fi
    # By which the keeper tells that it is ready; of an installed one that goes on it stays.
    is_installed || rm -f "$dir/$tls_kind/status.map"
    [[ $tls_kind != internal ]] || install -d -m 700 "$state/secrets" "$state/secrets/authority"
    install -m 755 "$root/deploy/front/keep-certificate" "$dir/keep-certificate"
    install -m 644 "$root/deploy/front/haproxy.cfg" "$dir/haproxy.cfg"
    set_front_source
}

table_keeper() {
    put process certificate
    put dir "$state/front/$tls_kind"
    if [[ -n $accounts && $tls_kind == acme ]]; then put user "$accounts-front"; fi
    put arg /bin/bash
    put arg ../keep-certificate
    put env LYNKS_KEEP "$tls_kind"
    put env LYNKS_KEEP_NAMES "$tls_names"
    case $tls_kind in
        files)
            put env LYNKS_KEEP_CERT_FILE "$(realpath -s -- "$(value LYNKS_TLS_CERT_FILE)")"
            put env LYNKS_KEEP_KEY_FILE "$(realpath -s -- "$(value LYNKS_TLS_KEY_FILE)")"
            ;;
        internal) put env LYNKS_KEEP_AUTHORITY "$state/secrets/authority" ;;
        acme)
            put env LYNKS_ACME_URL "$(value LYNKS_ACME_URL)"
            put env LYNKS_ACME_EMAIL "$(value LYNKS_ACME_EMAIL)"
            ;;
    esac
    if [[ -n $accounts && $tls_kind != acme ]]; then put env LYNKS_KEEP_GROUP "$accounts-front"; fi
    put_files certificate
    put ready command "test -s site.pem && test -s status.map"
    put shows "for ${tls_names:-$LYNKS_PUBLIC_URL}"
}

table_haproxy() {
    put process front
    put dir "$state/front/$tls_kind"
    if [[ -n $accounts ]]; then put user "$accounts-front"; fi
    put arg "$(PATH=$PATH:/usr/sbin:/sbin command -v haproxy)"
    put arg -db
    put arg -f
    put arg ../haproxy.cfg
    put listen "$tls_host" "$tls_port" LYNKS_TLS_PORT
    put env LYNKS_FRONT_TLS fd@3
    if [[ $tls_http_port != 0 ]]; then
        put listen "$tls_host" "$tls_http_port" LYNKS_TLS_HTTP_PORT
        put env LYNKS_FRONT_REDIRECT fd@4
    fi
    put env LYNKS_FRONT_PUBLIC "${LYNKS_PUBLIC_URL%/}"
    if [[ -n $domain && $tls_kind != internal ]]; then put env LYNKS_FRONT_HSTS 31536000; fi
    if [[ $tls_kind == internal ]]; then put env LYNKS_FRONT_ROOT root.pem; fi
    if [[ -n ${LYNKS_TRUSTED_PROXIES:-} ]]; then put env LYNKS_FRONT_PROXIES "${LYNKS_TRUSTED_PROXIES//,/ }"; fi
    put env LYNKS_FRONT_GATEWAY "$front_gateway"
    put env LYNKS_FRONT_SOURCE "$front_source"
    if [[ $turn_wanted == 1 ]]; then put env LYNKS_FRONT_TURN "$(turn_behind_front)"; fi
    put env LYNKS_FRONT_OPS "127.0.0.1:$tls_ops_port"
    put port 127.0.0.1 "$tls_ops_port" LYNKS_BASE_PORT
    put_files front
    put ready http 127.0.0.1 "$tls_ops_port" /healthz
    put shows "on ${LYNKS_PUBLIC_URL%/}"
}

table_front() {
    [[ $tls_kind != none ]] || return 0
    table_keeper
    table_haproxy
}

# Of the gateway: whom it believes, and whom it counts apart.
put_front() {
    [[ $tls_kind != none ]] || return 0
    put env LYNKS_OWN_FRONT "$front_source"
    # All come from the front, which has a limit for each address of its own.
    put env LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX "${LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX:-0}"
}
