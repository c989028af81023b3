package command

import (
	"fmt"
	"strings"

	"ganglion/mesh/discovery"
	"ganglion/node"
	"ganglion/node/source"
	"ganglion/roles"
)

// Flags that are read out of turn.
const (
	configFlag    = "config"
	stateFlag     = "state"
	tokenFileFlag = "token-file"
)

// setting is one thing that a node may be told, by a flag, a variable or a key.
type setting struct {
	flag    string
	key     string // in the file; empty: it has none
	value   string // what the help writes for the value; empty: a switch
	list    bool   // it may be given several times
	between string // what stands between several values in one text
	initial string // the default, for people
	group   string // where the help has it
	help    string // what it does
	words   []string
	read    reader // nil: it is read out of turn
}

// variable is the setting's environment variable.
func (s *setting) variable() string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(s.flag, "-", "_"))
}

// settings are all of them, as the help has them.
func settings() []setting {
	all := append(identitySettings(), discoverySettings()...)
	all = append(all, viewSettings()...)
	all = append(all, roleSettings()...)
	all = append(all, controlSettings()...)
	for i := range all {
		s := &all[i]
		if s.key == "" && s.flag != configFlag && s.flag != "view" {
			s.key = strings.ReplaceAll(s.flag, "-", "_")
		}
		if s.list && s.between == "" {
			s.between = ","
		}
	}
	return all
}

func identitySettings() []setting {
	const group = "Itself"
	d := node.DefaultLAN()
	return []setting{
		{
			flag: configFlag, value: "FILE", group: group, initial: "none",
			help: "YAML file with any of these settings",
		},
		{
			flag: "name", value: "NAME", group: group, initial: "host name and end of the identity",
			help: "name of the node for people, shown in clear on the network",
			read: textOf(func(o *nodeOptions) *string { return &o.node.Name }),
		},
		{
			flag: "site", value: "NAME", group: group, initial: string(d.Site),
			help: "site that the node belongs to: nodes of one site look at the same place",
			read: textOf(func(o *nodeOptions) *roles.Site { return &o.node.Site }),
		},
		{
			flag: stateFlag, value: "DIR", group: group, initial: "ganglion in the user's state folder",
			help: "folder of identity, token, settings and bundles; none: in memory, gone with the process",
			read: oneOf(readState),
		},
		{
			flag: tokenFileFlag, value: "FILE", group: group, initial: "the token kept in the state folder",
			help: "file with the mesh's token; - reads it from standard input",
			read: textOf(func(o *nodeOptions) *string { return &o.node.Token }),
		},
		{
			flag: "open", group: group, initial: "false",
			help: "join the one mesh without a token: anybody on the network can",
			read: switchOf(func(o *nodeOptions) *bool { return &o.node.Open }),
		},
		{
			flag: "found", group: group, initial: "false",
			help: "found a mesh, although another is heard",
			read: switchOf(func(o *nodeOptions) *bool { return &o.node.Found }),
		},
	}
}

func discoverySettings() []setting {
	const group = "The network"
	d := node.DefaultLAN()
	return []setting{
		{
			flag: "interface", key: "interfaces", value: "NAME", list: true, group: group, initial: "all but containers' and tunnels'",
			help: "network interface to use, and no other; lo alone stays on this machine",
			read: listOf(func(o *nodeOptions) *[]string { return &o.node.Mesh.Interfaces }),
		},
		{
			flag: "port", value: "N", group: group, initial: fmt.Sprint(d.Mesh.Port),
			help: "TCP port of the mesh; where it is taken, any free one; 0: any free one",
			read: portOf(func(o *nodeOptions) *uint16 { return &o.node.Mesh.Port }),
		},
		{
			flag: "beacon-port", value: "N", group: group, initial: fmt.Sprint(d.Mesh.BeaconPort),
			help: "UDP port of the beacons, the same on all nodes",
			read: portOf(func(o *nodeOptions) *uint16 { return &o.node.Mesh.BeaconPort }),
		},
		{
			flag: "join", value: "ADDRESS", list: true, group: group, initial: "none",
			help: "where a member may be: host, host:port or a multiaddress",
			read: listOf(func(o *nodeOptions) *[]string { return &o.node.Mesh.Join }),
		},
		{
			flag: "without", value: "WAY", list: true, group: group, initial: "none", words: wordsOf(discovery.Ways()),
			help: "way of finding others that is not to be used: " + anyOf(wordsOf(discovery.Ways())),
			read: listOf(func(o *nodeOptions) *[]discovery.Way { return &o.node.Mesh.Without }),
		},
		{
			flag: "round-trip-max", value: "TIME", group: group, initial: d.Mesh.RoundTripMax.String(),
			help: "longest round trip to expect to any member; what waits for others waits in proportion",
			read: durationOf(roundTripMax),
		},
	}
}

func viewSettings() []setting {
	const group = "What it sees"
	d := node.DefaultLAN()
	splits := []string{source.SplitTest, source.SplitAll}
	return []setting{
		{
			flag: "source", key: "sources", value: "SPEC", list: true, between: ";", group: group, initial: "none",
			help: "street, a data set, a picture file or a folder of pictures, with @VIEW behind it or not",
			read: readSources,
		},
		{
			flag: "view", value: "NAME", list: true, group: group, initial: "the last one, for a replay the lowest free one",
			help: "view of the next source that has no @VIEW",
			read: readViews,
		},
		{
			flag: "split", value: "WORD", group: group, initial: d.Split, words: splits,
			help: "what is replayed of a data set: " + anyOf(splits),
			read: textOf(func(o *nodeOptions) *string { return &o.node.Split }),
		},
		{
			flag: "model", value: "FILE", group: group, initial: "the mesh's, or the built-in one",
			help: "bundle that becomes the mesh's where none was published",
			read: oneOf(readModel),
		},
		{
			flag: "retention", value: "SIZE", group: group, initial: sizeText(d.RetentionBytes),
			help: "how much the node keeps of samples without a verdict",
			read: oneOf(readRetention),
		},
	}
}

func roleSettings() []setting {
	const group = "What it does"
	d := node.DefaultLAN()
	kinds := []string{roles.AggregatorKind.String(), roles.CloudKind.String()}
	runs := wordsOf([]node.RunPolicy{node.RunAuto, node.RunManual})
	return []setting{
		{
			flag: "eligible", value: "ROLE", list: true, group: group, initial: "both", words: append(kinds, noneWord),
			help: "role that the node may have: " + anyOf(append(kinds, noneWord)),
			read: readEligible,
		},
		{
			flag: "pin", value: "ROLE", list: true, group: group, initial: "none", words: kinds,
			help: "role that is this node's whenever it is there: " + anyOf(kinds),
			read: listOf(func(o *nodeOptions) *[]string { return &o.node.Pinned }),
		},
		{
			flag: "class", value: "N", group: group, initial: "measured",
			help: "capability class, of which the higher is preferred for roles",
			read: oneOf(readClass),
		},
		{
			flag: "run", value: "WORD", group: group, initial: string(d.Run), words: runs,
			help: "auto: a run goes on endlessly; manual: runs begin by the control API",
			read: textOf(func(o *nodeOptions) *node.RunPolicy { return &o.node.Run }),
		},
		{
			flag: "cloud-delay", value: "TIME", group: group, initial: d.CloudDelay.String(),
			help: "round trip to add to the last tier while this node holds it, as a cloud far away has",
			read: durationOf(cloudDelay),
		},
	}
}

func controlSettings() []setting {
	const group = "Control and logs"
	d := node.DefaultLAN()
	return []setting{
		{
			flag: "api", value: "ADDRESS", group: group, initial: d.API.String(),
			help: "IP address and port of the control API; where the port is taken, any free one",
			read: oneOf(readAPI),
		},
		{
			flag: "api-token-file", value: "FILE", group: group, initial: "none",
			help: "file with the token that the control API asks for; needed beyond loopback",
			read: oneOf(readAPITokenFile),
		},
		{
			flag: "no-metrics", group: group, initial: "false",
			help: "count nothing for Prometheus, and serve nothing at /metrics",
			read: switchOf(func(o *nodeOptions) *bool { return &o.node.NoMetrics }),
		},
		{
			flag: "no-page", group: group, initial: "false",
			help: "serve no page for browsers, and no pictures of what the node's sources see",
			read: switchOf(func(o *nodeOptions) *bool { return &o.node.NoPage }),
		},
		{
			flag: "allow-chaos", group: group, initial: "false",
			help: "let any member do harm to this node on purpose, by `ganglion chaos`: for meshes that are tried out",
			read: switchOf(func(o *nodeOptions) *bool { return &o.node.AllowChaos }),
		},
		{
			flag: "log-level", value: "WORD", group: group, initial: "info, on a terminal warn", words: logLevels(),
			help: "least level of log lines: " + anyOf(logLevels()),
			read: wordOf(func(o *nodeOptions) *string { return &o.log.level }, logLevels()),
		},
		{
			flag: "log-format", value: "WORD", group: group, initial: "text on a terminal, else json", words: logFormats(),
			help: "form of log lines: " + anyOf(logFormats()),
			read: wordOf(func(o *nodeOptions) *string { return &o.log.format }, logFormats()),
		},
	}
}

// wordsOf are the texts of named words.
func wordsOf[T ~string](named []T) []string {
	texts := make([]string, len(named))
	for i, n := range named {
		texts[i] = string(n)
	}
	return texts
}

// anyOf is a list for a sentence.
func anyOf(texts []string) string {
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}
