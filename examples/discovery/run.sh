#!/bin/bash
# Nodes find one another by multicast DNS, by beacons and by --join, each where the others
# do not get through. README.md says what to look at.
set -euo pipefail
. "$(dirname "$0")/../lan/machines.sh"

switch switch
boot first second third
address=10.77.0
plug switch first $address.1/24
plug switch second $address.2/24
plug switch third $address.3/24

# carry multicast|broadcast on|off: what the switch carries.
carry() {
	local port
	for port in first second third; do
		case $1 in
		multicast) link switch link set "$port" type bridge_slave mcast_flood "$2" ;;
		broadcast) link switch link set "$port" type bridge_slave bcast_flood "$2" ;;
		esac
	done
}

# introduce has the machines know one another's link addresses: what carries no broadcast
# carries no ARP either, so that nothing at all would get through.
introduce() {
	local one other number
	for one in first second third; do
		number=0
		for other in first second third; do
			number=$((number + 1))
			[ "$one" = "$other" ] || link "$one" neighbour replace $address.$number dev eth0 nud permanent \
				lladdr "$(link "$other" -brief link show eth0 | awk '{ print $3 }')"
		done
	done
}

# found starts a mesh that nobody knows of yet. The nodes keep nothing, so that no address
# is remembered from the round before.
found() {
	terminal first 'ganglion node --state none'
	await 20 'the first node is up' said first 'ganglion verdicts'
	secret=$(token first)
}

# all WAY...: sees to it that each of the three sees the three, found in these ways alone.
all() {
	local one ways
	ways=$(IFS='|'; echo "$*")
	for one in first second third; do
		await 30 "$one sees three" alive "$one" 3
	done
	for one in first second third; do
		show "$one" ' found by | is in the mesh'
		if tr -d '\r' <"$work/$one.log" | grep ' found by ' | grep -vE " found by ($ways)\$"; then
			echo "nothing but $ways gets through, so that this cannot be" >&2
			return 1
		fi
	done
}

end() {
	local one
	for one in first second third; do
		interrupt "$one"
	done
}

join() {
	terminal second 'ganglion node --state none --token-file -' "$secret"
	terminal third 'ganglion node --state none --token-file -' "$secret"
}

unwarned() { ! warned "$1" 'has been alone for'; }

introduce
say 'Round 1: the switch carries everything.'
found
join
all mdns beacon
at second 'ganglion members'
end

say 'Round 2: the switch carries no broadcasts. Beacons are lost, multicast DNS is left.'
carry broadcast off
found
join
all mdns
end

say 'Round 3: the switch carries no multicast. Multicast DNS is lost, beacons are left.'
carry broadcast on
carry multicast off
found
join
all beacon
end

say 'Round 4: it carries neither. Nobody is found, and each says so.'
carry broadcast off
found
join
for one in first second third; do
	await 40 "$one says that it is alone" warned "$one" 'has been alone for'
done
at second 'ganglion status'
at third 'ganglion members'

say 'The way out, as the warning says: one address each.'
interrupt second
terminal second "ganglion node --state none --token-file - --join $address.1" "$secret"
interrupt third
terminal third "ganglion node --state none --token-file - --join $address.2" "$secret"
all join
at third 'ganglion members'
for one in first second third; do
	await 10 "$one no longer says that it is alone" unwarned "$one"
done
end
agree
