# Machines and networks made of namespaces of this one Linux machine, for the walks in the
# folders beside this one: they source this file. It needs root, bash, iproute2 and
# util-linux.
#
# A machine is a process in network, process, mount and host name namespaces of its own. All
# that runs there ends when that process does, and so do its interfaces; it ends when the
# walk does, even if that is killed. So nothing has a name on the real machine, and nothing
# can be left over but one folder below /tmp. No machine has an interface that leads out.

# However it goes, it ends.
[ -n "${WALKING:-}" ] || WALKING=yes exec timeout --foreground --kill-after=20 300 "$0" "$@"

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
walk=$(basename "$here")

# needs says what is missing and ends with 77, which means: skipped.
needs() {
	local tool
	[ "$(uname)" = Linux ] || { echo "skipped: needs Linux, for network namespaces" >&2; exit 77; }
	[ "$(id -u)" = 0 ] || { echo "skipped: needs root, for network namespaces" >&2; exit 77; }
	for tool in ip unshare nsenter setpriv script pidof "$@"; do
		command -v "$tool" >/dev/null || { echo "skipped: needs the command $tool" >&2; exit 77; }
	done
	unshare --net --uts --mount --pid --fork true 2>/dev/null ||
		{ echo "skipped: this machine lets nobody make namespaces" >&2; exit 77; }
}

needs

declare -A machine=() keyboard=() # by name: the process that a machine is, where to type
work=$(mktemp -d "/tmp/ganglion-$walk-$$-XXXXXX")

# ending takes everything away: the machines, by their processes, then their files.
ending() {
	local code=$? name
	trap - EXIT
	trap '' INT TERM HUP
	for name in "${!machine[@]}"; do
		kill -KILL "${machine[$name]}" 2>/dev/null || :
	done
	wait 2>/dev/null || :
	if [ "$code" != 0 ]; then
		echo "$walk: failed with $code. What the nodes said:" >&2
		tail -n 40 "$work"/*.log >&2 2>/dev/null || :
	fi
	rm -rf "$work"
	exit "$code"
}
trap ending EXIT
trap 'exit 130' INT TERM HUP

# build NAME FOLDER: builds a program of this tree; the machines have it.
build() {
	printf '\n$ %s\n' "go build -o $1 $2" | tee -a "$work/typed"
	(cd "$root" && CGO_ENABLED=0 go build -o "$work/bin/$1" "$2")
}

# The program itself, or the one that GANGLION names.
mkdir "$work/bin"
if [ -n "${GANGLION:-}" ]; then
	cp "$GANGLION" "$work/bin/ganglion"
	echo '$ go build -o ganglion .' >"$work/typed"
else
	build ganglion .
fi

# boot NAME...: starts machines. Each has a home and a folder for temporary files of its own,
# below $work.
boot() {
	local name
	for name in "$@"; do
		mkdir -p "$work/$name/tmp" "$work/$name/bin"
		ln "$work"/bin/* "$work/$name/bin"
		setpriv --pdeathsig KILL unshare --net --uts --mount-proc --pid --fork --kill-child bash -euc '
			echo "$0" >/proc/sys/kernel/hostname
			mount --bind "$1" /root
			mount --bind "$1/tmp" /tmp
			ip link set lo up
			touch /root/.booted
			exec sleep infinity' "$name" "$work/$name" &
		machine[$name]=$!
	done
	for name in "$@"; do
		await 10 "$name has booted" test -e "$work/$name/.booted"
	done
}

# enter NAME: has "${on[@]}" before a command run it on a machine, in its home folder.
enter() {
	local of=/proc/${machine[$1]}/ns
	on=(nsenter --net="$of/net" --uts="$of/uts" --mount="$of/mnt" --pid="$of/pid_for_children"
		env -i --chdir=/root HOME=/root SHELL=/bin/bash TERM=dumb LANG=C.UTF-8 PATH=/root/bin:/usr/sbin:/usr/bin:/sbin:/bin)
}

# inside NAME COMMAND...: runs a command on a machine and waits for it.
inside() {
	local on
	enter "$1"
	"${on[@]}" "${@:2}"
}

# link NAME COMMAND...: runs a command of ip in the network of a machine.
link() {
	local of=/proc/${machine[$1]}/ns
	shift
	nsenter --net="$of/net" ip "$@"
}

# switch NAME: a machine that is a switch.
switch() {
	boot "$1"
	link "$1" link add switch type bridge mcast_snooping 0
	link "$1" link set switch up
}

# plug SWITCH NAME ADDRESS/BITS: connects a machine to a switch, as its eth0.
plug() {
	link "$1" link add "$2" type veth peer name eth0 netns "${machine[$2]}"
	link "$1" link set "$2" master switch up
	link "$2" address add "$3" broadcast + dev eth0
	link "$2" link set eth0 up
}

# say TEXT...: tells what comes.
say() { printf '\n# %s\n' "$@"; }

# prompt NAME LINE: a line as it is typed on a machine.
prompt() { printf '\n%s$ %s\n' "$1" "$2" | tee -a "$work/typed"; }

# at NAME LINE: types a line on a machine and waits for it. What it prints is shown.
at() {
	prompt "$1" "$2"
	inside "$1" bash -o pipefail -c "$2" 2>&1
}

# terminal NAME LINE [TOKEN]: types a line in a terminal of a machine that is left open, and
# pastes the token when it is asked for. What the terminal shows is in $work/NAME.log.
terminal() {
	local keys=$work/$1.keys on
	prompt "$1" "$2"
	rm -f "$keys"
	mkfifo "$keys"
	exec {keyboard[$1]}<>"$keys"
	: >"$work/$1.log"
	enter "$1"
	"${on[@]}" script -qfc "$2" /dev/null <"$keys" >"$work/$1.log" 2>&1 &
	[ -n "${3:-}" ] || return 0
	await 10 "$1 asks for the token" said "$1" '^token \(it is not shown\): '
	press "$1" "$3"$'\n'
}

# press NAME KEYS: presses keys in the terminal of a machine.
press() { printf '%s' "$2" >&"${keyboard[$1]}"; }

# interrupt NAME: presses Ctrl-C, and waits until the node has ended.
interrupt() {
	printf '\n%s: Ctrl-C\n' "$1"
	press "$1" $'\003'
	await 15 "the node of $1 has ended" ended "$1"
}
ended() { ! inside "$1" pidof ganglion >/dev/null; }

# said NAME PATTERN: whether the terminal of a machine shows such a line.
said() { grep -qE -- "$2" "$work/$1.log"; }

# show NAME [PATTERN]: the lines that the terminal of a machine shows.
show() {
	printf '\n%s shows:\n' "$1"
	tr -d '\r' <"$work/$1.log" | grep -E -- "${2:-}" | sed 's/^/  /'
}

# await SECONDS WHAT COMMAND...: tries until a command succeeds.
await() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { echo "it never came that $what" >&2; return 1; }
		sleep 0.2
	done
}

# alive NAME COUNT: whether that node sees so many members alive.
alive() { inside "$1" ganglion members | grep ": $2 alive"; }

# warned NAME PATTERN: whether the node of a machine warns so.
warned() { inside "$1" ganglion status | grep -E -- "$2"; }

# token NAME: the token that the node of a machine has printed.
token() { tr -d '\r' <"$work/$1.log" | grep -oE 'gng1-\S+'; }

# beat NAME: the highest beat of the last verdicts that the node of a machine has.
beat() { inside "$1" ganglion verdicts | awk '$1 ~ /^[0-9]+$/ && $1 + 0 > last { last = $1 } END { print last + 0 }'; }

# after NAME BEAT: whether there are verdicts behind a beat.
after() { [ "$(beat "$1")" -gt "$2" ]; }

# holds NAME ROLE: whether the node of a machine has a role.
holds() { inside "$1" ganglion status | grep -E "^roles [^;]*$2"; }

# gapless NAME: that the verdicts of the run have every beat, each once.
gapless() {
	inside "$1" ganglion verdicts --from 0 | awk '
		$1 ~ /^[0-9]+$/ { if ($1 != many) { print "beat " many " is missing at beat " $1; bad = 1; exit }; many++ }
		END { if (!bad) print "(" many " beats, each has its answer)"; exit bad || many < 30 }'
}

# agree is the end: it holds that README.md names no line that does not work. What stands in
# its sh blocks was typed above, or is a verb with flags that the program's help has.
agree() {
	local line word verb help bad=0
	while IFS= read -r line; do
		[ "$line" != "sudo examples/$walk/run.sh" ] || continue
		! sed 's/^[a-z]*\$ //' "$work/typed" | grep -Fx -- "$line" >/dev/null || continue
		read -r word verb help <<<"$line"
		if [ "$word" = ganglion ] && help=$("$work/bin/ganglion" "$verb" --help 2>&1) && [[ $help == *"ganglion $verb "* ]]; then
			for word in $line; do
				[[ $word != --* ]] || grep -qE -- "(^| )${word%%=*}( |$)" <<<"$help" || help=
			done
			[ -z "$help" ] || continue
		fi
		echo "README.md has a line that was not typed here: $line" >&2
		bad=1
	done < <(awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on && NF' "$here/README.md")
	[ "$bad" = 0 ] && say 'Everything that is to be seen was seen.'
}
