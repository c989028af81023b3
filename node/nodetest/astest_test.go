package nodetest_test

import (
	"flag"
	"testing"
)

// asTest runs a test from within an example, as go test would run it. It panics if the test
// fails.
func asTest(test func(*testing.T)) {
	// What -v tells of a test is no output of the example.
	verbose := flag.Lookup("test.v").Value
	before := verbose.String()
	_ = verbose.Set("false") // it is a flag of this form
	defer func() { _ = verbose.Set(before) }()
	all := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(all, []testing.InternalTest{{Name: "TestOfExample", F: test}}) {
		panic("the test of the example failed")
	}
}
