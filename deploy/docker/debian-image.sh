#!/usr/bin/env bash
# Makes a Debian image where no image registry can be reached: debootstrap fetches it from a package mirror.
#
#   deploy/docker/debian-image.sh IMAGE [PACKAGE…]
#
# DEBIAN_SUITE and DEBIAN_MIRROR choose what is fetched; by default the release of this machine, so that binaries that
# were built here run there. Needs root, debootstrap and Docker.
set -euo pipefail

if [ "$#" -lt 1 ]; then
    sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2
    exit 2
fi
image=$1
shift
suite=${DEBIAN_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
include=$(IFS=,; echo "$*")

tree=$(mktemp -d "${TMPDIR:-/var/tmp}/debian-image.XXXXXX")
trap 'rm -rf --one-file-system "$tree"' EXIT
chmod 755 "$tree"
debootstrap --variant=minbase ${include:+--include="$include"} "$suite" "$tree" "$mirror" >"$tree.log" 2>&1 || {
    tail -n 20 "$tree.log" >&2
    echo "debootstrap failed; the whole log is $tree.log" >&2
    exit 1
}
rm -f "$tree.log"
# Neither the packages' files nor their lists are of use in an image that is never changed.
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
tar -C "$tree" --numeric-owner --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* -c . \
    | docker import --change 'CMD ["/bin/bash"]' --message "Debian $suite: ${*:-minbase}" - "$image"
