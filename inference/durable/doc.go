// Package durable replaces files so that a reader, a full disk or a killed
// process never meets half of one: under the final name there is the old file or
// the whole new one, and once [WriteFile] has returned the new one survives a
// loss of power.
package durable
