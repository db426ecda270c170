# Installs the Debian packages that are missing, without letting them start anything.
# shellcheck shell=bash

policy=/usr/sbin/policy-rc.d

package_list() { # files
    grep -hvE '^[[:space:]]*(#|$)' "$@"
}

missing_packages() { # names
    local name status
    local -A installed=()
    while read -r name status; do
        [[ $status != installed ]] || installed[$name]=1
    done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
    for name in "$@"; do
        [[ -n ${installed[$name]:-} ]] || say "$name"
    done
}

has_node() {
    command -v npm >/dev/null && (($(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || printf 0) >= 18))
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# Packages start their daemons when they are installed; Janus would take port 8088. 101 is "not allowed" in Debian's
# invoke-rc.d interface. A policy that is there already is put back.
forbid_starts() {
    [[ -x $policy ]] && { "$policy" janus start >/dev/null 2>&1 || (($? == 101)); } && (($? == 101)) && return
    [[ -e $policy ]] && as_root mv "$policy" "$policy.before-lynks"
    printf '#!/bin/sh\n# By deploy/up of Lynks, while it installs packages.\nexit 101\n' |
        as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

allow_starts() {
    grep -qs 'deploy/up of Lynks' "$policy" || return 0
    as_root rm -f "$policy"
    [[ ! -e $policy.before-lynks ]] || as_root mv "$policy.before-lynks" "$policy"
}

# Nor may they start at the next boot: a system's own Janus would then hold the ports of this one.
keep_from_boot() { # names just installed
    local name unit
    local -a units
    command -v systemctl >/dev/null || return 0
    for name in "$@"; do
        case $name in
            janus) units=(janus.service) ;;
            haproxy) units=(haproxy.service) ;;
            coturn) units=(coturn.service) ;;
            mariadb-server) units=(mariadb.service mariadb.socket mariadb-extra.socket) ;;
            *) continue ;;
        esac
        for unit in "${units[@]}"; do
            as_root systemctl --quiet disable "$unit" >/dev/null 2>&1 || true
        done
    done
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@"
}

# Whoever was at it may have been killed in the middle, and dpkg goes on only when it is told to.
apt_install() { # names
    apt install --no-install-recommends "$@" >>"$apt_log" 2>&1 9>&- && return
    grep -q 'dpkg --configure -a' "$apt_log" || return
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >>"$apt_log" 2>&1 9>&- || return
    apt install --no-install-recommends "$@" >>"$apt_log" 2>&1 9>&-
}

fetch_packages() { # names
    ((EUID == 0)) || command -v sudo >/dev/null ||
        die "run this as root: packages are missing ($*)"
    progress packages "installing $*"
    local apt_log=$log/packages.log
    # Without the lock: what a package starts in spite of all must not hold it.
    apt update >"$apt_log" 2>&1 9>&- ||
        die "apt-get update failed (no network?); see $apt_log: $(tail -n 1 "$apt_log")"
    apt_install "$@" ||
        die "apt-get install failed (no network?); see $apt_log: $(grep '^E:' "$apt_log" | tail -n 1)"
}

install_packages() { # names
    # Of who is killed meanwhile the next one learns here what there is to see to.
    local pending=$log/packages.pending
    local -a missing
    command -v dpkg-query >/dev/null || die "this needs Debian 12 (there is no dpkg here)"
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || [[ -e $pending ]] || return 0
    trap allow_starts EXIT
    if ((${#missing[@]})); then
        printf '%s\n' "${missing[@]}" >>"$pending"
        forbid_starts
        fetch_packages "${missing[@]}"
    fi
    allow_starts
    trap - EXIT
    mapfile -t missing < <(sort -u "$pending")
    keep_from_boot "${missing[@]}"
    rm -f "$pending"
    progress packages "installed"
}
