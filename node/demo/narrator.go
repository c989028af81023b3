package demo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ganglion/proto/controlpb"
)

// Kind is a kind of event of a demo.
type Kind string

// The kinds.
const (
	Started Kind = "start"   // processes were started
	Shown   Kind = "page"    // where a browser sees it
	Found   Kind = "found"   // a node heard another for the first time
	Joined  Kind = "joined"  // a node is in the mesh
	Viewed  Kind = "view"    // a device feeds a view
	Elected Kind = "elected" // a node has a role
	Bundled Kind = "model"   // a node has the model
	Ran     Kind = "run"     // samples come
	Decided Kind = "verdict" // the first answer
	Ended   Kind = "ended"   // a process ended that should not have
	Gone    Kind = "gone"    // the mesh has noticed
	Warned  Kind = "warning" // something is not as it should be
	Ready   Kind = "ready"   // everything is in its place
	Acted   Kind = "act"     // a run begins in which nodes are killed
	Struck  Kind = "fault"   // one is
	Noticed Kind = "noticed" // a node notices that
	Claimed Kind = "claimed" // a node claims its role
	Outcome Kind = "outcome" // what it came to
)

// Event is one thing that happened, in words for somebody who sees this for the first time.
type Event struct {
	Since time.Duration // from the start of the demo
	Kind  Kind
	Text  string
}

// news is an event of one node.
type news struct {
	at    time.Time // when it came
	node  string    // name
	event *controlpb.EventsResponse
}

// line is an event that is yet without a time.
type line struct {
	kind Kind
	text string
}

// narrator merges what the nodes tell into one story in which each thing is said once. Every
// node tells of every other, so that most of what it hears it has said already. It only
// keeps in mind; it is not safe for concurrent use.
type narrator struct {
	names   map[string]string // of nodes, by peer
	ways    map[string]string // in which a node was found first, by name
	there   sagas             // whether a node is: here or away
	feeds   sagas             // who feeds a view
	holders sagas             // who has a role
	said    map[string]bool
	groups  int // of the model
}

func newNarrator(groups int) *narrator {
	return &narrator{
		names: map[string]string{}, ways: map[string]string{}, there: sagas{}, feeds: sagas{}, holders: sagas{},
		said: map[string]bool{}, groups: groups,
	}
}

// once tells whether a thing is said for the first time.
func (n *narrator) once(what ...string) bool {
	key := strings.Join(what, "\x00")
	if n.said[key] {
		return false
	}
	n.said[key] = true
	return true
}

// name of the node with an identity.
func (n *narrator) name(peer, otherwise string) string {
	if name := n.names[peer]; name != "" {
		return name
	}
	return otherwise
}

// take is what there is to say of an event of a node.
func (n *narrator) take(of news) []line {
	at := of.event.GetAttributes()
	who := n.name(at["peer"], at["name"])
	switch text := of.event.GetText(); of.event.GetKind() {
	case "found":
		return n.found(of.node, who, at["way"])
	case "joined":
		return n.joined(of.node, who)
	case "view":
		if n.feeds.of(at["view"]).news(of.node, who) {
			return []line{{Viewed, fmt.Sprintf("%s feeds view %s", who, at["view"])}}
		}
	case "elected":
		return n.elected(of.node, at["role"], n.name(at["peer"], at["name"]))
	case "bundle":
		if strings.Contains(text, "fetched") && n.once("bundle", of.node, at["bundle"]) {
			return []line{{Bundled, of.node + ": " + text}}
		}
	case "verdict":
		if n.once("verdict") {
			return []line{{Decided, text}}
		}
	case "down", "left":
		if who != "" && n.there.of(who).news(of.node, away) {
			n.lose(who)
			return []line{{Gone, text}}
		}
	case "warning":
		// Other meshes on this machine are nobody's fault.
		if at["mesh"] == "" && n.once("warning", text) {
			return []line{{Warned, of.node + ": " + text}}
		}
	default: // a run is told by who started it
	}
	return nil
}

// found keeps how a node was heard of first; the very first time is told.
func (n *narrator) found(by, who, way string) []line {
	if who == "" || who == by {
		return nil
	}
	if n.ways[who] == "" {
		n.ways[who] = way
	}
	if !n.once("found") {
		return nil
	}
	return []line{{Found, fmt.Sprintf("%s hears %s (%s): nobody told them of each other", by, who, way)}}
}

// Whether a node is in the mesh.
const (
	here = "here"
	away = "away"
)

// joined tells of a node that is in the mesh, or is again.
func (n *narrator) joined(by, who string) []line {
	back := n.there.of(who).state() == away
	switch way := n.ways[who]; {
	case !n.there.of(who).news(by, here):
		return nil
	case back:
		return []line{{Joined, who + " is in the mesh again"}}
	case way != "":
		return []line{{Joined, fmt.Sprintf("%s is in the mesh, found by %s", who, way)}}
	}
	return []line{{Joined, who + " is in the mesh"}}
}

// us stands for the demo itself among those who tell of a thing.
const us = ""

// lose notes that a node is gone: if it comes again that is news, and so is what it feeds.
func (n *narrator) lose(who string) {
	n.there.of(who).news(us, away)
	for _, s := range n.feeds {
		if s.state() == who {
			s.news(us, away)
		}
	}
}

// elected tells of a new holder, and whom it replaces.
func (n *narrator) elected(by, role, who string) []line {
	if who == "" {
		return nil
	}
	before := n.holders.of(role).state()
	if !n.holders.of(role).news(by, who) {
		return nil
	}
	kind, what := n.role(role)
	if before == "" {
		return []line{{Elected, fmt.Sprintf("%s is %s%s", who, kind, what)}}
	}
	return []line{{Elected, fmt.Sprintf("%s takes over as %s from %s", who, kind, before)}}
}

// role is the name of a role for people, and what its holder does.
func (n *narrator) role(role string) (kind, what string) {
	kind, rest, _ := strings.Cut(role, "/")
	switch kind {
	case "aggregator":
		what = ": it answers what the devices are sure of together"
		if n.groups > 1 {
			if _, group, ok := strings.Cut(rest, "/"); ok {
				if g, err := strconv.Atoi(group); err == nil {
					kind = fmt.Sprintf("aggregator of group %d", g)
				}
			}
			what = ""
		}
	case "cloud":
		what = ": it answers the rest"
	case "coordinator":
		what = ": it opens, seals and publishes"
	}
	return kind, what
}

// died tells of a process that ended by itself, and what it was.
func (n *narrator) died(name string, how string) []line {
	n.lose(name)
	var was []string
	for _, role := range sortedKeys(n.holders) {
		if n.holders[role].state() == name {
			kind, _ := n.role(role)
			was = append(was, kind)
		}
	}
	text := fmt.Sprintf("%s ended (%s)", name, how)
	if len(was) > 0 {
		text += "; it was " + strings.Join(was, " and ")
	}
	return []line{{Ended, text + ". The others go on"}}
}
