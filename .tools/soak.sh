#!/bin/sh
# Has a live mesh of eight processes go through random faults for SOAK (10m), from SEED on:
# kills, restarts, stops, cuts, loss, delay. Verdicts have to come on after
# each, within 20 s. At the end nothing may be lost or decided twice,
# and the nodes that lived all along may not have grown. Without root, or where namespaces
# cannot be had, the mesh is on loopback, and nothing happens to the network.
set -eu

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
trap 'exit 130' INT TERM
CGO_ENABLED=0 "$GO" build -o "$built/ganglion" .

set -- --only random --for "${SOAK:-10m}"
[ -z "${SEED:-}" ] || set -- "$@" --seed "$SEED"
if ! unshare --net true 2>/dev/null || ! command -v ip >/dev/null || ! command -v nsenter >/dev/null; then
	echo "soak: no network namespaces here (they need Linux, root, iproute2 and util-linux): on loopback, without faults of the network"
	set -- "$@" --loopback
fi
"$built/ganglion" bench failover "$@"
