#!/bin/sh
# results.sh run: measures each section of docs/results.md again, in about an hour on two quiet
# cores. What each command says goes to build/results/PART.txt; build/results/index.md names
# for each part its section of docs/results.md, command, time and outcome. Networks stay in
# build/results: a second run measures only, but for those that one is trained by itself in
# a minute. ONLY="part part" takes some parts.
# results.sh list: the parts, one a line: name, limit in seconds, section, by tabs.
#
# A part that lacks what it needs (data, root, a library) is skipped, and says so. A part
# that fails or takes longer than its limit does not stop the others, but the script fails.
set -u
export GO="${GO:-go}"

data=$(realpath -m "${GANGLION_DATA:-../shared/data}")
six=$data/epfl-six-cameras-distinct.npz
frames=1-65,190-204
out=${OUT:-build}/results

# part NAME LIMIT SECTION COMMAND...: one table, or some that one command makes.
part() {
	name=$1 limit=$2 section=$3
	shift 3
	if [ "$mode" = list ]; then
		printf '%s\t%s\t%s\n' "$name" "$limit" "$section"
		return
	fi
	case " ${ONLY:-$name} " in *" $name "*) ;; *) return ;; esac
	if [ -n "$lacks" ]; then
		echo "skipped: $name: $lacks"
		echo "| $section | $name | $(said "$@") | | skipped: $lacks |" >>"$out/index.md"
		return
	fi
	echo "$name: $section"
	begun=$(date +%s)
	# In the background, so that Ctrl-C reaches it: timeout keeps a group of its own.
	timeout --kill-after=30 "$limit" "$@" >"$out/$name.txt" 2>"$out/$name.log" &
	child=$!
	wait "$child"
	code=$?
	child=
	took=$(($(date +%s) - begun))
	case $code in
	0) outcome=$(sed -n '1s/^skipped: /skipped: /p' "$out/$name.txt") ;;
	124 | 137) outcome="over its limit of $limit s" failed="$failed $name" ;;
	*) outcome="failed with $code, see $name.log" failed="$failed $name" ;;
	esac
	outcome=${outcome:-done}
	[ "$outcome" = done ] || echo "$name: $outcome" >&2
	echo "| $section | $name.txt | $(said "$@") | $took s | $outcome |" >>"$out/index.md"
}

# said is a command as the index shows it.
said() { printf '`%s`' "$*" | sed "s|$built/||g; s|$data/||g; s,|,/,g"; }

# same BUNDLE NAME...: what would be trained again with the same settings, to the same bits,
# is kept. A part that finds a network of other settings there says so.
same() {
	bundle=$1
	shift
	[ "$mode" = run ] && [ -e "$bundle" ] || return 0
	for name; do
		mkdir -p "$(dirname "$name")" && cp "$bundle" "$name.ganglion"
	done
}

# needs FILE WHAT: without the file, the parts that follow are skipped.
needs() { [ -e "$1" ] && lacks= || lacks=$2; }

parts() {
	g=$built/ganglion

	needs "$six" "the camera data is not in $data (GANGLION_DATA names another folder)"
	for seed in 1 2 3; do
		part "six-train-$seed" 400 "Six real cameras" "$g" train --data "$six" --test-frames $frames --seed $seed --out "$out/six-$seed.ganglion"
		part "six-eval-$seed" 120 "Six real cameras" "$g" eval --data "$six" --model "$out/six-$seed.ganglion" --plots "$out/six-$seed"
	done
	part six-demo 120 "The demonstration" "$g" demo --calm --rate 40 --data "$six" --model "$out/six-1.ganglion"
	same "$out/six-1.ganglion" "$out/topologies/c" "$out/aggregators/MP-CC" "$out/filters/4-filters"
	part six-topologies 1500 "Every deployment" "$g" bench topologies --data "$six" --test-frames $frames --out "$out/topologies"
	part six-aggregators 900 "Ways of aggregating" "$g" train --data "$six" --test-frames $frames --compare-aggregators --resume --out "$out/aggregators" --plots "$out/aggregators-plots"
	part six-filters 600 "Filters and payload" "$g" train --data "$six" --test-frames $frames --compare-filters 1,2,4,8 --resume --out "$out/filters" --plots "$out/filters-plots"

	needs "$data/mnist" "MNIST is not in $data (GANGLION_DATA names another folder)"
	[ "$mode" = run ] && [ -e "$out/tiles.ganglion" ] || part mnist-train 1800 "MNIST in tiles" examples/mnist-tiles/train.sh "$g" "$data/mnist" "$out/tiles.ganglion"
	part mnist-eval 300 "MNIST in tiles" "$g" eval --data "$data/mnist" --grid 2x3 --model "$out/tiles.ganglion" --together 3,4,5

	lacks=
	part street-eval 60 "The built-in scene" "$g" eval
	part street-demo 120 "The demonstration" "$g" demo
	part elastic-train 300 "Any number of cameras" "$g" train --topology elastic --out "$out/elastic.ganglion"
	part elastic-widen 10 "Any number of cameras" "$g" model widen "$out/elastic.ganglion" --add camera6,camera7 --out "$out/eight.ganglion"
	part elastic-eval 120 "Any number of cameras" "$g" eval --model "$out/eight.ganglion" --data street:cameras=8 --frames "$street"
	part training-speed 300 "Training speed" "$GO" test ./inference/train -run '^$' -bench Epoch -benchmem
	part links 300 "The links of the mesh" "$GO" test ./mesh/link -run '^$' -bench . -benchmem
	part mesh 600 "Latency, throughput, idleness" "$g" bench mesh --idle 30s
	part watched 300 "What looking costs" "$g" bench pairs --pairs 9
	part watched-node 300 "What looking costs" "$GO" test ./node -run '^$' -bench Watched -benchtime 10x

	library=${GANGLION_ONNXRUNTIME:-${XDG_CACHE_HOME:-$HOME/.cache}/ganglion/onnxruntime-1.24.3}
	needs "$library" "onnxruntime is not here (make onnxruntime brings it)"
	part kernels 400 "Kernels" env GANGLION_ONNXRUNTIME="$library" "$GO" run -tags onnxruntime . bench kernels

	lacks=
	[ "$(id -u)" = 0 ] && command -v ip >/dev/null && command -v nsenter >/dev/null || lacks="it needs Linux, root, iproute2 and util-linux"
	part failover 900 "Surviving" "$g" bench failover --only kill-aggregator,kill-cloud,kill-both,kill-1-device --kills 3 --seed 3
	part failover-network 900 "Surviving" "$g" bench failover --only pause-1s,unplug,delay,loss-5 --trials 1 --seed 3
	part finding 900 "Finding one another" .tools/test-network.sh
}

# The frames that the models of the street were not trained on, with seed 1.
street=33-49,126-143,190-206,270-287

mode=${1:-} lacks='' failed='' built='' child=''
case $mode in
list) parts ;;
run)
	built=$(mktemp -d)
	trap 'rm -rf "$built"' EXIT
	trap '[ -z "$child" ] || { kill "$child"; wait "$child"; }; exit 130' INT TERM
	mkdir -p "$out"
	rm -f "$out"/six-*.checkpoint "$out"/elastic.ganglion.checkpoint # of a run that was ended; these begin anew
	CGO_ENABLED=0 "$GO" build -o "$built/ganglion" . || exit 1
	{
		echo "# docs/results.md, measured again"
		echo
		echo "$(date -u +%Y-%m-%dT%H:%MZ), $("$GO" version), $(uname -sm), $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || echo unknown)"
		echo
		echo "| section | output | command | took | |"
		echo "| --- | --- | --- | --- | --- |"
	} >"$out/index.md"
	parts
	echo "see $out/index.md"
	[ -z "$failed" ] || {
		echo "results: not measured:$failed" >&2
		exit 1
	}
	;;
*)
	echo "usage: results.sh run|list" >&2
	exit 2
	;;
esac
