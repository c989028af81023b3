#!/bin/sh
# dist.sh GOOS/GOARCH...
#
# Builds a static binary of every platform into dist/, without the paths of this
# machine, and writes their SHA-256 sums. VERSION is empty where git cannot tell.
set -eu

vcs=false
[ -n "$VERSION" ] && vcs=true

rm -rf dist
mkdir dist
for platform in "$@"; do
	os=${platform%/*}
	arch=${platform#*/}
	name=ganglion-$os-$arch
	[ "$arch" = arm ] && name=${name}v$GOARM
	[ "$os" = windows ] && name=$name.exe
	echo "dist/$name"
	GOOS=$os GOARCH=$arch CGO_ENABLED=0 \
		"$GO" build -trimpath -buildvcs="$vcs" -ldflags "-s -w -X main.version=$VERSION" -o "dist/$name" .
done
cd dist
if command -v sha256sum >/dev/null; then
	sha256sum ganglion-* >SHA256SUMS
else
	shasum -a 256 ganglion-* >SHA256SUMS
fi
