#!/bin/bash
# Three cameras on one LAN, and the cloud on a host behind a router, 40 ms there and back.
# README.md says what to look at.
set -euo pipefail
. "$(dirname "$0")/../lan/machines.sh"
build wire ./examples/remote-cloud/wire

# The cameras and a router are on one switch; from the router a long wire goes to the host.
switch switch
boot first second third host router wire
plug switch first 10.77.0.1/24
plug switch second 10.77.0.2/24
plug switch third 10.77.0.3/24
plug switch router 10.77.0.254/24
link wire link add near type veth peer name eth1 netns "${machine[router]}"
link wire link add far type veth peer name eth0 netns "${machine[host]}"
for end in near far; do
	link wire link set "$end" promisc on addrgenmode none up
done
link router address add 10.88.0.254/24 dev eth1
link router link set eth1 up
link host address add 10.88.0.1/24 broadcast + dev eth0
link host link set eth0 up
for one in first second third; do
	link "$one" route add default via 10.77.0.254
done
link host route add default via 10.88.0.254
inside router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
enter wire
"${on[@]}" wire 20ms near far >"$work/wire.log" 2>&1 &

# cable up|down: the host's end of the wire.
cable() {
	printf '\n(the cable of the host: %s)\n' "$1"
	link wire link set far "$1"
}

# latencies NAME EXIT BEAT: in ms, of the answers of an exit from a beat on.
latencies() {
	inside "$1" ganglion verdicts --from "$3" | awk -v at="$2" '
		$3 == at { for (i = 5; i <= NF; i++) if ($i == "ms") { print $(i - 1); break } }'
}

# many NAME EXIT BEAT: whether there are enough of them.
many() { [ "$(latencies "$@" | wc -l)" -ge 7 ]; }

# typical NAME EXIT BEAT: the median of them.
typical() { latencies "$@" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

# early NAME BEAT: the answers from a beat on that nobody above the local exit has seen.
early() { inside "$1" ganglion verdicts --from "$2" | grep 'stopped early'; }

# atonce NAME BEAT: those of them that did not wait for the cloud first.
atonce() { early "$@" | awk '{ for (i = 5; i <= NF; i++) if ($i == "ms" && $(i - 1) < 40) found = 1 } END { exit !found }'; }

say 'Three cameras, which may aggregate but not be the cloud.'
terminal first 'ganglion node --source street --eligible aggregator'
await 20 'the first node is up' said first 'ganglion verdicts'
secret=$(token first)
terminal second 'ganglion node --token-file - --source street --eligible aggregator' "$secret"
terminal third 'ganglion node --token-file - --source street --eligible aggregator' "$secret"
for one in first second third; do
	await 30 "$one sees three" alive "$one" 3
done
await 30 'somebody aggregates' said third 'first verdict'

say 'Without a cloud, what is not answered locally stops early.'
await 30 'there are some verdicts' after first 30
at second 'ganglion members'
at second 'ganglion verdicts --last 12'

say 'The host far away is the cloud. It is found by --join: beacons do not cross routers.'
terminal host 'ganglion node --token-file - --join 10.77.0.1 --eligible cloud --pin cloud' "$secret"
for one in first second third host; do
	await 30 "$one sees four" alive "$one" 4
done
await 30 'the host is the cloud' holds host cloud
show host
at second 'ganglion members'
from=$(beat second)
await 90 'the cloud has answered some' many second cloud "$from"
at second 'ganglion verdicts --last 12'
local_=$(typical second local "$from")
cloud=$(typical second cloud "$from")
say "Half of the local answers took at most $local_ ms, half of the cloud's $cloud ms."
awk -v l="$local_" -v c="$cloud" 'BEGIN { exit !(c > 40 && l < c / 2) }' || { echo "the round trip does not show" >&2; exit 1; }

say 'The host is cut off.'
from=$(beat second)
cable down
await 60 'answers stop early' early second "$from"
await 30 'the host is gone' alive second 3
gone=$(beat second)
await 60 'answers stop early, without waiting' atonce second "$gone"
at second "ganglion verdicts --from $from | grep 'stopped early'"
at second 'ganglion members'

say 'The cable is back.'
cable up
await 60 'all four are back' alive second 4
await 60 'all four are back' alive host 4
await 30 'the host is the cloud' holds host cloud
from=$(beat second)
await 90 'the cloud answers again' many second cloud "$from"
at second 'ganglion verdicts --last 12'
say "Half of the cloud's answers take at most $(typical second cloud "$from") ms again."
gapless second
at second 'ganglion status'
for one in first second third host; do
	interrupt "$one"
done
agree
