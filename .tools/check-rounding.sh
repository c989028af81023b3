#!/bin/sh
# check-rounding.sh PACKAGE...
#
# Compiles the packages for arm64 and looks for fused multiply-adds in the
# assembly. The compiler makes one of x*y + z, which rounds once where amd64
# rounds twice; float64(x*y) + z keeps both roundings. No emulator is needed, and
# code that no test reaches is seen as well.
set -eu

log=$(mktemp)
trap 'rm -f "$log"' EXIT
GOOS=linux GOARCH=arm64 CGO_ENABLED=0 "$GO" build -trimpath -gcflags=-S "$@" >"$log" 2>&1 || {
	cat "$log" >&2
	exit 1
}
# A listing without a multiplication is no listing.
grep -q -E '[[:space:]]F?MUL[SD]?[[:space:]]' "$log" || {
	echo "check-rounding: no assembly to look at" >&2
	exit 1
}
if grep -E '[[:space:]]FN?M(ADD|SUB)[SD][[:space:]]' "$log" >&2; then
	echo "check-rounding: these round once on arm64 and twice on amd64: convert the product, float64(x*y) + z" >&2
	exit 1
fi
