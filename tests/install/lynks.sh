# An installed Lynks in the machine of machine.sh: how the tests install it, look at it and use it. Sourced after that, with the
# test's folder in $work.
# shellcheck shell=bash disable=SC2154

exposure_most=2.5
built=${LYNKS_BUILD:-$root/build/release}
services="authsvc janusbridge roomsvc gateway"
all="mysql janus $services"

# One machine for all tests of this layer, so that it is made once.
machine_packages() {
    package_list deploy/packages/{run,front,turn}.txt
    echo procps
}

# What deploy/install needs of the source, without what builds the web client.
put_source() { # folder in the machine
    mkdir -p "$machine$1/build/bin"
    cp -R deploy sql "$machine$1/"
    cp "$built"/bin/lynks-* "$machine$1/build/bin/"
}

is_well() {
    in_machine lynks status >"$work/status" 2>&1
}

gets_well() {
    wait_for 30 is_well || { cat "$work/status"; in_machine journalctl -p warning -u 'lynks-*' -n 30 --no-pager; return 1; }
}

pid_of() { # name
    in_machine systemctl show --property MainPID --value "lynks-$1.service"
}

are_shut_in() { # names
    local name figure bad=0
    for name in "$@"; do
        figure=$(in_machine systemd-analyze security --no-pager "lynks-$name.service" | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
        echo "# systemd-analyze security lynks-$name.service: $figure" >&3
        awk -v is="$figure" -v most=$exposure_most 'BEGIN { exit !(is != "" && is + 0 <= most) }' || bad=1
    done
    return $bad
}

come_back() { # names
    local name before
    for name in "$@"; do
        before=$(pid_of "$name")
        in_machine kill -KILL "$before"
        gets_well || return
        [ "$(pid_of "$name")" != "$before" ] || { echo "$name was not killed"; return 1; }
    done
}
