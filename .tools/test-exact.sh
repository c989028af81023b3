#!/bin/sh
# test-exact.sh GOARCH PACKAGE...
#
# Cross-compiles the tests of the packages for linux/GOARCH and runs them under
# qemu-user. Their expected bits are those of every other architecture, so a
# fused multiply-add or a 32-bit int that matters fails here. Says what it skips
# and why; under CI a missing emulator is a failure.
set -eu

arch=$1
shift

case $arch in
arm64) machine=aarch64 ;;
arm) machine=arm ;;
*)
	echo "test-exact: unknown architecture $arch: add its emulator to $0" >&2
	exit 2
	;;
esac

skip() {
	if [ -n "${CI:-}" ]; then
		echo "test-exact: linux/$arch: $1" >&2
		exit 1
	fi
	echo "skipped: bit-exact tests on linux/$arch: $1"
	exit 0
}

if [ "$("$GO" env GOHOSTOS)" != linux ]; then
	skip "qemu-user runs on Linux only"
fi
if [ "$("$GO" env GOHOSTARCH)" = "$arch" ]; then
	echo "linux/$arch is this machine: its tests have run"
	exit 0
fi
emulator=$(command -v "qemu-$machine-static" || command -v "qemu-$machine") ||
	skip "no qemu-$machine-static (Debian: apt-get install qemu-user-static)"

echo "bit-exact tests on linux/$arch, under $(basename "$emulator")"
export GOOS=linux GOARCH="$arch" CGO_ENABLED=0
exec "$GO" test -short -timeout 20m -exec "$emulator" "$@"
