#!/bin/sh
# train.sh PROGRAM DATA OUT: trains the network of tiles.yaml on the digits in the folder
# DATA, with the settings that docs/results.md measures. Digits are not mirrored, and the
# tiles of one picture are not exchanged with those of another. With a checkpoint beside OUT
# it goes on from there.
set -eu
program=$1 data=$2 out=$3

set -- train --data "$data" --grid 2x3 --topology "$(dirname "$0")/tiles.yaml" \
	--batch 64 --epochs "${EPOCHS:-31}" --view-dropout 0.2 --shift 1 --flip 0 --exchange 0 --out "$out"
[ ! -e "$out.checkpoint" ] || set -- "$@" --resume
exec "$program" "$@"
