#!/bin/sh
# onnxruntime.sh install: brings onnxruntime's CPU library from npm into the cache
# of this user, outside the tree, and prints where.
# onnxruntime.sh test: holds the network's sections against it; says why where it
# cannot.
set -eu

version=1.24.3
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ganglion/onnxruntime-$version

case ${1:-} in
install)
	if [ ! -e "$cache/package-lock.json" ]; then 
		# Its install scripts would fetch a GPU build; the CPU library is in the package.
		npm install --silent --no-audit --no-fund --ignore-scripts \
			--prefix "$cache" "onnxruntime-node@$version" || {
			rm -rf "$cache"
			echo "onnxruntime: npm could not bring onnxruntime-node@$version" >&2
			exit 1
		}
	fi
	echo "GANGLION_ONNXRUNTIME=$cache"
	;;
test)
	if [ "$("$GO" env CGO_ENABLED)" != 1 ]; then
		echo "skipped: the judgement of onnxruntime: it is loaded by cgo, which needs a C compiler"
		exit 0
	fi
	if [ -z "${GANGLION_ONNXRUNTIME:-}" ]; then
		if [ ! -e "$cache/package-lock.json" ]; then 
			echo "skipped: the judgement of onnxruntime: no library (make onnxruntime brings it, 220 MB)"
			exit 0
		fi
		export GANGLION_ONNXRUNTIME="$cache"
	fi
	exec "$GO" test -tags onnxruntime -timeout 10m ./inference/onnx/...
	;;
*)
	echo "usage: $0 install|test" >&2
	exit 2
	;;
esac
