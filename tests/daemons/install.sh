#!/bin/sh
# Installs what tests/daemons runs and what tests/seen looks with, from Debian's archive. Starts nothing, and needs to be
# root.
set -eu

packages="chromium chromium-driver chrony dnsmasq-base haproxy libfaketime nats-server nginx-light redis-server unbound varnish"
programs="chromedriver chromium chronyd dnsmasq haproxy nats-server nginx redis-server unbound varnishd"

present() {
    for program in $programs; do
        PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || return 1
    done
    ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1
}

if present; then
    exit 0
fi

# A package that brings a service would start it: invoke-rc.d asks this file first, and 101 forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

apt-get update -qq
# shellcheck disable=SC2086 # They are several.
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
present || { echo "installed, and yet one of these is not there: $programs, libfaketime" >&2; exit 1; }
