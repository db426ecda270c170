# A machine of its own: a root from debootstrap with systemd as process 1, in namespaces. Sourced after support/lib.sh; needs root.
#
# It has no network but its own loopback, and a wire to the outside where there is one (internet.sh). So what installs packages
# does it before it boots (in_root). Its log is $machine.console. It has to be ended (machine_end) by whoever booted it.
# shellcheck shell=bash

machine_address=198.51.100.1 outside_address=198.51.100.2 # of nobody (RFC 5737)
outside=                                                  # a process there

machine= # the folder of its root; beside it its console and its process id

# machine_make FOLDER PACKAGES...: Debian 12 with these packages, which are kept beside the image of the containers' tests.
machine_make() {
    local base kept
    machine=$1
    shift
    base=$("$root/tests/compose/base-image") || return
    kept=${base%.tar}-$({ printf '%s\n' "$@" && declare -f fill_root; } | sha256sum | cut -c1-8).machine.tar
    mkdir -p "$machine"
    find "$(dirname "$kept")" -maxdepth 1 -name 'bookworm-*.machine.tar' -mtime +6 -delete
    if [ -s "$kept" ]; then
        tar -C "$machine" -xf "$kept"
    else
        tar -C "$machine" -xf "$base"
        fill_root "$@" || return
        tar -C "$machine" -cf "$kept.$$" . && mv "$kept.$$" "$kept"
    fi
    chmod 755 "$machine" # else systemd stays where it is
}

# By apt alone, which starts nothing there, and without leaving anything to start at boot.
fill_root() { # packages
    cp -L /etc/resolv.conf "$machine/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' >"$machine/usr/sbin/policy-rc.d"
    chmod 755 "$machine/usr/sbin/policy-rc.d"
    in_root apt-get -q update &&
        in_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
            systemd systemd-sysv dbus iproute2 "$@" || return
    rm "$machine/usr/sbin/policy-rc.d"
    in_root find /etc/systemd/system/multi-user.target.wants -lname '/lib/systemd/system/*' \
        \( -name 'janus*' -o -name 'mariadb*' -o -name 'haproxy*' -o -name 'coturn*' -o -name 'e2scrub*' \) -delete
    in_root apt-get -q clean
}

in_root() { # command: while it is not booted
    unshare --mount --pid --fork --kill-child --mount-proc="$machine/proc" chroot "$machine" \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
}

# What systemd needs of the kernel's folders, then systemd.
become_machine() {
    set -e
    hostname lynks-test
    mount --make-rprivate /
    mount --bind "$machine" "$machine"
    cd "$machine"
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=1777 tmpfs tmp
    mount -t tmpfs -o mode=755 tmpfs dev
    local device
    for device in null zero full random urandom tty; do
        touch "dev/$device"
        mount --bind "/dev/$device" "dev/$device"
    done
    mkdir dev/pts dev/shm .before
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    mount -t tmpfs tmpfs dev/shm
    ln -s /proc/self/fd dev/fd
    pivot_root . .before
    cd /
    umount -l /.before
    rmdir /.before
    exec env -i container=lynks PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console --show-status=false
}

# The wire is there before the machine starts.
join_network() {
    ip link set lo up
    [ -n "$outside" ] || return 0
    nsenter -t "$outside" -n ip link delete wire 2>/dev/null || true # of the machine as it was before
    ip link add eth0 type veth peer name wire netns "$outside"
    ip address add "$machine_address/24" dev eth0
    ip link set eth0 up
    ip route add default via "$outside_address"
    nsenter -t "$outside" -n sh -c "ip address add $outside_address/24 dev wire && ip link set wire up"
}

enter_cgroup() {
    local all
    all=$(findmnt -n -t cgroup2 -o TARGET | head -1)
    [ -n "$all" ] || die "there is no cgroup2"
    mkdir -p "$all/$(cgroup_name)"
    echo $BASHPID >"$all/$(cgroup_name)/cgroup.procs"
}

cgroup_name() {
    printf 'lynks-%s' "$(basename "$(dirname "$machine")" | tr . -)"
}

machine_boot() {
    (
        enter_cgroup
        export machine machine_address outside outside_address
        export -f join_network become_machine
        exec unshare --net bash -c 'join_network && exec unshare --mount --uts --ipc --cgroup --pid --fork --kill-child bash -c become_machine'
    ) </dev/null >>"$machine.console" 2>&1 &
    echo $! >"$machine.parent"
    wait_for 30 machine_is_up || { tail -20 "$machine.console"; return 1; }
}

# Its first process is the only child of unshare.
machine_pid() {
    local parent
    parent=$(<"$machine.parent")
    cut -d' ' -f1 "/proc/$parent/task/$parent/children" 2>/dev/null
}

machine_is_up() {
    [[ $(in_machine systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]
}

in_machine() { # command
    nsenter -t "$(machine_pid)" -a env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@" </dev/null
}

# As a machine is told to: all units end, then its first process.
machine_shut_down() {
    in_machine systemctl --no-block poweroff
    wait_for 30 is_gone "$(<"$machine.parent")"
}

machine_end() {
    local pid all
    [ -e "$machine.parent" ] || return 0
    pid=$(machine_pid)
    [ -z "$pid" ] || kill -KILL "$pid"
    wait_for 10 is_gone "$(<"$machine.parent")"
    all=$(findmnt -n -t cgroup2 -o TARGET | head -1)
    wait_for 10 remove_machine_cgroups "$all/$(cgroup_name)"
}

remove_machine_cgroups() { # folder
    [ ! -e "$1" ] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -e "$1" ]
}
