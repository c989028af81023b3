package demo

import (
	"fmt"
	"strings"
	"testing"
)

// Each state is told once, whoever lags; and a state that comes again is told again. Without
// the first a newcomer sees a node go and come several times, without the second a return
// never.
func TestSaga(t *testing.T) {
	tests := []struct {
		name string
		said string // "node:state", in the order in which they come
		want string // what is told
	}{
		{"all say the same", "1:in 2:in 3:in", "in"},
		{"gone and back", "1:in 2:in 1:out 2:out 1:in 2:in", "in out in"},
		{"one lags behind a return", "1:in 2:in 1:out 1:in 2:out 2:in", "in out in"},
		{"one lags behind two", "1:a 1:b 1:c 2:a 2:b 2:c", "a b c"},
		{"one skips a state", "1:a 2:a 1:b 1:c 2:c", "a b c"},
		{"one that came late", "1:a 1:b 2:b 2:c 1:c", "a b c"},
		{"a state comes again", "1:a 2:a 1:b 2:b 1:a 2:a", "a b a"},
		{"one repeats itself", "1:a 1:a 2:a 2:a 1:b 1:b 2:b", "a b"},
		{"seen here first", "us:in 1:in us:out 1:out 2:in 2:out", "in out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s saga
			var told []string
			for one := range strings.FieldsSeq(tt.said) {
				by, state, _ := strings.Cut(one, ":")
				if s.news(by, state) {
					told = append(told, state)
				}
			}
			if got := strings.Join(told, " "); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

// A demo that is kept for weeks must not remember every change of it.
func TestSagaForgets(t *testing.T) {
	var s saga
	for i := range 10 * sagaKept {
		if state := fmt.Sprint(i % 7); !s.news("1", state) || s.news("2", state) {
			t.Fatalf("state %d: each is news once", i)
		}
	}
	if len(s.told) > sagaKept {
		t.Errorf("%d states are kept", len(s.told))
	}
}
