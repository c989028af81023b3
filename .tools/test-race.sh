#!/bin/sh
# Runs all tests under the race detector. Where the detector is not available
# (it needs cgo, so a C compiler, and a supported platform) it runs them without,
# and says so; under CI that is a failure.
set -eu

if why=$("$GO" list -race runtime/race 2>&1 >/dev/null); then
	# Whole meshes of nodes want the machine for themselves: one package at a time.
	"$GO" test -race -timeout 30m $("$GO" list ./... | grep -v -e /node -e /examples)
	"$GO" test -race -p 1 -timeout 30m ./node/... ./examples/...
	# Clusters in virtual time run few seeds under the detector; here are all.
	exec "$GO" test -timeout 30m ./mesh/membership
fi
if [ -n "${CI:-}" ]; then
	echo "test-race: no race detector: $why" >&2
	exit 1
fi
echo "skipped: the race detector ($why): the tests run without it"
exec "$GO" test -timeout 30m ./...
