// Package realnet tests the program as it is: processes that find one another in real
// networks, are killed, are copied, and are started the wrong way. It has tests alone.
//
// A [network namespace] stands for a machine: it has interfaces, ports and a loopback of
// its own. The machines of a test hang on one bridge, in one more namespace, so nothing
// that is sent can leave. What the tests know of a node is what a person knows: what its
// process prints, what the verbs say, and the control API.
//
// Faults of the network itself, such as loss and one-way cuts, are had on the switch of
// package lab, by way of package benchfailover: one trial of each, held against what must
// hold on the slowest machine.
//
// The tests take minutes of real time, for they wait for what real nodes do. They run
// where GANGLION_TEST_NETWORK names the program to test, as `make test-network` does; a
// plain `go test` skips them. They need root and the ip command of iproute2, on Linux.
//
// Times are printed and never asserted, but for bounds so wide that only a fault passes
// them: other programs run on the machine too. Every wait ends. What a test starts or makes
// has the test's process ID in its name and is gone afterwards, also when it fails or is
// interrupted; what a killed run could not take away, the next one does.
//
// [network namespace]: https://man7.org/linux/man-pages/man7/network_namespaces.7.html
package realnet
