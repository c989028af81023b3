#!/bin/sh
# onnxruntime.sh install: brings onnxruntime's CPU library from npm into the cache
# of this user, outside the tree, and prints where.
# onnxruntime.sh test: holds the network, whole and by section, against it and tells
# what was compared; says why where it cannot.
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
	told=$(mktemp)
	trap 'rm -f "$told"' EXIT
	"$GO" test -tags onnxruntime -timeout 10m -v ./inference/onnx/... >"$told" 2>&1 || {
		cat "$told" >&2
		exit 1
	}
	# The library is there: a judge that did not sit is a failure.
	for judge in TestJudge TestJudgeFindsFaults TestJudgeFindsMutants; do
		grep -q "^--- PASS: $judge " "$told" || {
			cat "$told" >&2
			echo "onnxruntime: the judgement was passed over: $judge" >&2
			exit 1
		}
	done
	sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: \(onnxruntime [0-9].*\)/judge: \1/p' "$told" | sort -u
	sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: \(.*test samples with .*\)/judge: \1/p' "$told"
	echo "judge: $(grep -c '^ *--- PASS: TestJudgeFinds[A-Za-z]*/' "$told") kernels, with a fault planted or none, told apart"
	;;
*)
	echo "usage: $0 install|test" >&2
	exit 2
	;;
esac
