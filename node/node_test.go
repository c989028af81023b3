package node_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// The tests of this package with whole nodes run on the loopback interface, in real time.
// What the parts do under loss, delay and partition is tested in roles, in virtual time;
// here it is whether they were put together right.

// street is the data that the nodes replay: few samples, of all classes.
const street = "street:samples=48,seed=3"

// pace of the runs: slow enough for a race detector on a busy machine.
const pace = 25 * time.Millisecond

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ganglion-run-*")
	if err == nil {
		err = os.Setenv("GANGLION_RUN_DIR", dir) // the nodes of tests are not for the command line
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // the main function of tests
	}
	code := m.Run()
	if left := nodetest.Leaked(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left behind:\n%s\n", left)
		code = 1
	}
	_ = os.RemoveAll(dir)
	os.Exit(code) //nolint:forbidigo // the main function of tests
}

// A whole mesh: nodes find one another, take views, elect, run and answer, and every node
// knows every answer. Two sources in a node are two views.
func TestMesh(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0", "1"), nodetest.Device(street, "2", "3"), nodetest.Device(street, "4", "5"), nodetest.Spares(1))
	m.Settle(t.Context())
	run := m.Run(30, pace)
	m.AwaitRun(t.Context(), run)
	for _, v := range complete(t, m, run, 30) {
		if len(v.GetSeen())+len(v.GetNothing())+len(v.GetMissing()) != 6 {
			t.Errorf("%s does not tell of six views: %v", v.GetSample(), v)
		}
	}
}

// A node alone holds every role and answers by itself: the smallest mesh.
func TestNodeAlone(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0", "1", "2", "3", "4", "5"))
	m.Settle(t.Context())
	run := m.Run(10, pace)
	m.AwaitRun(t.Context(), run)
	s, err := m.API("device-0").Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if s.GetTraffic().GetSampleSentBytes() != 0 {
		t.Errorf("a node alone sent %d bytes of samples", s.GetTraffic().GetSampleSentBytes())
	}
}
