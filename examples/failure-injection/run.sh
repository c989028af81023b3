#!/bin/bash
# Nodes are killed, stopped, cut off and slowed down on purpose, first those of a demo, then
# one on another machine. README.md says what to look at.
set -euo pipefail
. "$(dirname "$0")/../lan/machines.sh"

switch switch
boot desk first second third
plug switch first 10.77.0.1/24
plug switch second 10.77.0.2/24
plug switch third 10.77.0.3/24
cp "$here/plan.yaml" "$work/desk/plan.yaml"

say 'A demo that goes on: eight nodes of one machine, which allow chaos.'
terminal desk 'ganglion demo --keep'
await 60 'the eight are in the mesh' alive desk 8
await 30 'there are some verdicts' after desk 20

say 'In another terminal: who holds what, and an end to the one that aggregates.'
at desk 'ganglion members'
at desk 'ganglion chaos kill aggregator'
await 20 'seven are left' alive desk 7

say 'A whole plan: first what it would do, then all of it.'
at desk 'ganglion chaos run plan.yaml --dry-run --seed 1'
at desk 'ganglion chaos run plan.yaml --seed 1'
await 20 'the cut off one is back' alive desk 6
at desk 'ganglion members'
interrupt desk

say 'Three machines. The second allows chaos, the third does not.'
terminal first 'ganglion node --source street@0'
await 20 'the first node is up' said first 'ganglion verdicts'
secret=$(token first)
terminal second 'ganglion node --token-file - --source street@1 --name north --allow-chaos' "$secret"
terminal third 'ganglion node --token-file - --source street@2 --name south' "$secret"
for one in first second third; do
	await 30 "$one sees three" alive "$one" 3
done
await 30 'there are some verdicts' after first 20

say 'From the first the second is cut off, which ends that by itself; the third refuses.'
at first 'ganglion chaos cut north --for 6s'
await 20 'the second is back' alive first 3
at first 'ganglion chaos cut south --for 6s || true'
for one in first second third; do
	interrupt "$one"
done
agree
