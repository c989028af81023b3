// Package monitoring is a folder of files for Prometheus and Grafana; see README.md. Its test
// holds them against a real Prometheus that scrapes a real demonstration.
package monitoring
