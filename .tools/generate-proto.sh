#!/bin/sh
# generate-proto.sh write: regenerates the Go code of proto/**/*.proto in place.
# generate-proto.sh check: fails where that would change, add or remove a file.
set -eu

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$GO" tool -modfile=.tools/buf/go.mod buf generate proto --template proto/buf.gen.yaml --output "$out"

# generated DIR: the generated files below DIR, one a line.
generated() {
	(cd "$1" && find proto -name '*.pb.go' -o -name '*.connect.go' | LC_ALL=C sort)
}

case ${1:-} in
check)
	stale=0
	for file in $( (generated . && generated "$out") | LC_ALL=C sort -u); do
		if [ ! -e "$out/$file" ]; then
			echo "$file: generated from no schema" >&2
			stale=1
		elif ! cmp -s "$file" "$out/$file"; then
			echo "$file: not what its schema generates" >&2
			stale=1
		fi
	done
	if [ $stale = 1 ]; then
		echo "generated code is out of date, run 'make generate'" >&2
		exit 1
	fi
	;;
write)
	generated . | while read -r file; do rm "$file"; done
	generated "$out" | while read -r file; do cp "$out/$file" "$file"; done
	;;
*)
	echo "usage: $0 write|check" >&2
	exit 2
	;;
esac
