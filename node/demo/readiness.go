package demo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ganglion/proto/controlpb"
)

// outlook is what one node says of itself and of the mesh.
type outlook struct {
	name    string
	device  bool
	status  *controlpb.StatusResponse
	members []*controlpb.Member
}

// wants is what must be so before the first sample.
type wants struct {
	bundle string // ID in hexadecimal
	views  int    // that are to be held: those of the devices that live
	data   string // hash of the data set, in hexadecimal
}

// lacks says what is not yet so; empty: everything is in its place. All nodes must see all,
// agree on who holds views and roles, and have the model; devices must have what they are
// to replay, all the same.
func (w *wants) lacks(nodes []outlook) string {
	var lacks []string
	add := func(format string, args ...any) { lacks = append(lacks, fmt.Sprintf(format, args...)) }
	if len(nodes) == 0 {
		return "no node answers"
	}
	first := placed(nodes[0].members)
	for i := range nodes {
		n := &nodes[i]
		if n.status == nil {
			add("%s does not answer", n.name)
			continue
		}
		if seen := aliveIn(n.members); seen < len(nodes) {
			add("%s sees %d of %d nodes", n.name, seen, len(nodes))
		}
		if n.status.GetBundle() != w.bundle {
			add("%s has not got the model", n.name)
		}
		for _, s := range n.status.GetSources() {
			switch {
			case s.GetFault() != "":
				add("%s: %s", n.name, s.GetFault())
			case !s.GetReady():
				add("%s has not read its data", n.name)
			case s.GetView() == "":
				add("%s has a source without a view", n.name)
			case s.GetData() != w.data:
				add("%s replays other data", n.name)
			}
		}
		own := placed(n.members)
		for _, who := range sortedKeys(first) {
			if own[who] != first[who] {
				add("%s says that %s is %s, %s says %s", nodes[0].name, who, first[who], n.name, cmp.Or(own[who], "not there"))
				break
			}
		}
	}
	held, has := 0, map[string]bool{}
	for _, m := range nodes[0].members {
		held += len(m.GetViews())
		for _, r := range m.GetRoles() {
			has[r] = true
		}
	}
	if held < w.views {
		add("%d of %d views are held", held, w.views)
	}
	for _, role := range []string{"aggregator", "coordinator", "cloud"} {
		if !has[role] {
			add("there is no %s", role)
		}
	}
	const few = 4
	if len(lacks) > few {
		lacks = append(lacks[:few], fmt.Sprintf("%d things more", len(lacks)-few))
	}
	return strings.Join(lacks, "; ")
}

// placed is who does what: views and roles, by name of the node.
func placed(members []*controlpb.Member) map[string]string {
	out := map[string]string{}
	for _, m := range members {
		if m.GetState() != alive {
			continue
		}
		does := append(slices.Sorted(slices.Values(m.GetRoles())), m.GetViews()...)
		out[m.GetName()] = cmp.Or(strings.Join(does, " "), "nothing")
	}
	return out
}

// alive is the state of a member that is there.
const alive = "alive"

func aliveIn(members []*controlpb.Member) int {
	n := 0
	for _, m := range members {
		if m.GetState() == alive {
			n++
		}
	}
	return n
}

// splitOf is what the devices say that they replay; an error where they differ.
func splitOf(nodes []outlook) (split string, samples int, err error) {
	named := ""
	for i := range nodes {
		for _, s := range nodes[i].status.GetSources() {
			if named != "" && s.GetSplit() != split {
				return "", 0, fmt.Errorf("%s replays split %s, %s split %s: they have other models", named, split, nodes[i].name, s.GetSplit())
			}
			named, split, samples = nodes[i].name, s.GetSplit(), int(s.GetSamples())
		}
	}
	if named == "" {
		return "", 0, errors.New("no device replays anything")
	}
	return split, samples, nil
}
