#!/bin/sh
# Runs the program as real processes in network namespaces: they find one another, are
# killed, and answer. Without the race detector, once: what is tested is the program as it
# is, and how long it takes. It needs Linux, root and the ip command of iproute2; for faults
# of the network also nsenter of util-linux. With GANGLION_TEST_THOROUGH set every fault comes
# several times and as long as its goal wants: hours.
set -eu
GO=${GO:-go}

skip() {
	echo "skipped: real networks ($1)"
	exit 0
}

[ "$("$GO" env GOOS)" = linux ] || skip "network namespaces are Linux's"
if ! command -v ip >/dev/null; then
	if [ -n "${CI:-}" ]; then
		echo "test-network: no ip command: install iproute2" >&2
		exit 1
	fi
	skip "no ip command: install iproute2"
fi
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
probe=gngprobe$$
ip netns add "$probe" 2>/dev/null || skip "this machine does not allow network namespaces"
ip netns delete "$probe"

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
CGO_ENABLED=0 "$GO" build -o "$built/ganglion" .
limit=20m
[ -z "${GANGLION_TEST_THOROUGH:-}" ] || limit=5h
GANGLION_TEST_NETWORK=$built/ganglion "$GO" test -v -count=1 -p 1 -timeout "$limit" \
	./node/realnet ./examples/discovery ./examples/lan ./examples/remote-cloud ./examples/failure-injection
