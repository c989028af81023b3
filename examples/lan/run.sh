#!/bin/bash
# Three machines with a camera each become one mesh, answer together, and go on answering
# when one of them dies. README.md says what to look at.
set -euo pipefail
. "$(dirname "$0")/machines.sh"
build camera ./examples/lan/camera

switch switch
boot first second third
plug switch first 10.77.0.1/24
plug switch second 10.77.0.2/24
plug switch third 10.77.0.3/24

# film NAME VIEW: starts the program of the camera of a machine.
film() {
	local on
	prompt "$1" "camera cam $2"
	enter "$1"
	"${on[@]}" camera cam "$2" >"$work/$1-camera.log" 2>&1 &
	await 20 "the camera of $1 has its folder" test -d "$work/$1/cam"
}

# complete NAME: whether the last verdict lacks none of the views that have a camera.
complete() { inside "$1" ganglion verdicts --last 1 | grep -v 'camera[012]' | grep ' of 6 '; }

say 'The program of each camera writes pictures into a folder.'
film first 0
film second 1
film third 2

say 'The first machine founds the mesh.'
terminal first 'ganglion node --source cam/@camera0'
await 20 'the first node is up' said first 'ganglion verdicts'
show first
secret=$(token first)

say 'The token is pasted on the second and the third.'
terminal second 'ganglion node --token-file - --source cam/@camera1' "$secret"
terminal third 'ganglion node --token-file - --source cam/@camera2' "$secret"
for one in first second third; do
	await 30 "$one sees three" alive "$one" 3
done
await 30 'somebody aggregates' said third 'first verdict'
await 30 'no view is missing that has a camera' complete third
show third

say 'From any terminal of any of them:'
at second 'ganglion members'
at third 'ganglion verdicts --last 5'
at first 'ganglion classify'
at second 'ganglion status'

say 'The machine that aggregates dies.'
await 30 'there are some verdicts' after first 40
for one in first second third; do
	if holds "$one" aggregator; then dead=$one; fi >/dev/null
done
[ "$dead" = first ] && witness=second || witness=first
before=$(beat "$witness")
at "$dead" 'kill -9 $(pidof ganglion)'
await 30 'verdicts go on' after "$witness" $((before + 20))
await 30 'two are left' alive "$witness" 2
at "$witness" 'ganglion members'
at "$witness" 'ganglion verdicts --last 5'

say 'It is started again. It has kept its token and its identity.'
view=$(printf '%s\n' first second third | grep -n "$dead" | cut -d : -f 1)
terminal "$dead" "ganglion node --source cam/@camera$((view - 1))"
await 30 'all three are back' alive "$witness" 3
await 30 'no view is missing that has a camera' complete "$witness"
show "$dead"
at "$witness" 'ganglion members'

say 'Every beat has its answer, those around the death too:'
at "$witness" "ganglion verdicts --from $((before - 1)) | sed -n '1,12p'"
gapless "$witness"

for one in first second third; do
	interrupt "$one"
done
agree
