#!/bin/sh
# Runs every fuzz target of every package for FUZZTIME. An input that fails is
# written to the package's testdata/fuzz, where it belongs as a regression test.
set -eu

targets=0
for package in $("$GO" list ./...); do
	for target in $("$GO" test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $target"
		"$GO" test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" -fuzzminimizetime 20x "$package"
		targets=$((targets + 1))
	done
done
echo "$targets fuzz targets, no failure"
