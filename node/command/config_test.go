package command

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganglion/inference/builtin"
	"ganglion/mesh/secret"
	"ganglion/node/source"
)

// configure reads a node's options as the verb does, in a folder of its own that holds the
// file node.yaml and what else a configuration may name.
func configure(t *testing.T, file string, environ []string, args ...string) (nodeOptions, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", "/state")
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"token": someToken + "\n", "api-token": strings.Repeat("k", 32), "corner.ganglion": string(b.File()), "node.yaml": file,
	} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if file != "" {
		args = append([]string{"--config", "node.yaml"}, args...)
	}
	o, _, err := readNodeOptions(args, surroundings{environ: environ, in: strings.NewReader(someToken), errs: os.Stderr})
	return o, err
}

// someToken is the token of 32 bytes from 0 to 31, brokenToken the same with a typing error.
const (
	someToken   = "gng1-aaaqeaye-audaocaj-bifqydio-b4ibceqt-cqkrmfyy-denbwha5-dyp7ix54"
	brokenToken = "gng1-aaaqeaye-audaocaj-bifqydio-b4ibceqt-cqkrmfyy-denbwha5-dyp7ix55"
)

// sample is a value of a setting, other than its default: as a flag and a variable have
// it, and as the file does where that is not the same.
type sample struct {
	text string
	yaml string
}

func samples() map[string]sample {
	return map[string]sample{
		"name": {text: "attic"}, "site": {text: "warehouse"}, "state": {text: "here"}, "token-file": {text: "token"},
		"open": {text: "true"}, "found": {text: "true"}, "interface": {"lo,eth9", "[lo, eth9]"}, "port": {text: "4901"},
		"beacon-port": {text: "4911"}, "join": {"192.0.2.7,gate:4801", `[192.0.2.7, "gate:4801"]`}, "without": {"mdns,join", "[mdns, join]"},
		"round-trip-max": {text: "250ms"}, "source": {"street@1;street:samples=90,seed=7", "[{source: street, view: 1}, 'street:samples=90,seed=7']"},
		"split": {text: "all"}, "model": {text: "corner.ganglion"}, "retention": {text: "8MiB"}, "eligible": {"cloud", "[cloud]"},
		"pin": {"cloud", "[cloud]"}, "class": {text: "12"}, "run": {text: "manual"}, "cloud-delay": {text: "30ms"},
		"allow-chaos": {text: "true"}, "no-metrics": {text: "true"}, "no-page": {text: "true"},
		"api": {text: "127.0.0.1:4902"}, "api-token-file": {text: "api-token"}, "log-level": {text: "debug"}, "log-format": {text: "json"},
	}
}

var comparers = cmp.Options{cmp.AllowUnexported(nodeOptions{}, logOptions{}), cmpopts.EquateComparable(netip.AddrPort{})}

// TestThreeWaysSayTheSame holds every setting to one meaning, and to having one: whatever
// way it is given, the options are the same, and not those of a node that was told nothing.
func TestThreeWaysSayTheSame(t *testing.T) {
	initial, err := configure(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	values := samples()
	for _, s := range settings() {
		if s.flag == configFlag || s.flag == "view" { // neither has a key
			continue
		}
		t.Run(s.flag, func(t *testing.T) {
			v, ok := values[s.flag]
			if !ok {
				t.Fatal("the setting has no sample: add one to samples")
			}
			if v.yaml == "" {
				v.yaml = v.text
			}
			flag, err := configure(t, "", nil, "--"+s.flag+"="+v.text)
			if err != nil {
				t.Fatal(err)
			}
			if cmp.Equal(flag, initial, comparers) {
				t.Errorf("--%s %s changes nothing", s.flag, v.text)
			}
			variable, err := configure(t, "", []string{s.variable() + "=" + v.text})
			if diff := cmp.Diff(flag, variable, comparers); err != nil || diff != "" {
				t.Errorf("%s: %v; flag and variable differ:\n%s", s.variable(), err, diff)
			}
			key, err := configure(t, s.key+": "+v.yaml, nil)
			if diff := cmp.Diff(flag, key, comparers); err != nil || diff != "" {
				t.Errorf("%s: %v; flag and key differ:\n%s", s.key, err, diff)
			}
		})
	}
}

// TestPrecedence puts the four places above one another, for a text, a number, a switch, a
// list and a file that is read.
func TestPrecedence(t *testing.T) {
	type told struct {
		Site  string
		Port  uint16
		Open  bool
		Join  []string
		Delay time.Duration
	}
	const file = "site: file\nport: 1\nopen: true\njoin: [file1, file2]\ncloud_delay: 1ms\n"
	all := []string{"GANGLION_SITE=variable", "GANGLION_PORT=2", "GANGLION_OPEN=false", "GANGLION_JOIN=v1,v2", "GANGLION_CLOUD_DELAY=2ms", "PATH=/bin"}
	tests := []struct {
		name    string
		file    string
		environ []string
		args    []string
		want    told
	}{
		{"nothing", "", nil, nil, told{"default", 4801, false, nil, 0}},
		{"file", file, nil, nil, told{"file", 1, true, []string{"file1", "file2"}, time.Millisecond}},
		{"variables over the file", file, all, nil, told{"variable", 2, false, []string{"v1", "v2"}, 2 * time.Millisecond}},
		{
			"flags over both", file, all,
			[]string{"--site", "flag", "--port=3", "--open", "--join", "f1", "--join", "f2", "--cloud-delay", "3ms"},
			told{"flag", 3, true, []string{"f1", "f2"}, 3 * time.Millisecond},
		},
		{"each by itself", "site: file\nport: 1", []string{"GANGLION_PORT=2"}, []string{"--cloud-delay", "3ms"}, told{"file", 2, false, nil, 3 * time.Millisecond}},
		{"a switch turned off again", "open: true", nil, []string{"--open=false"}, told{"default", 4801, false, nil, 0}},
		{"a list emptied by a variable", "join: [a]", []string{"GANGLION_JOIN="}, nil, told{"default", 4801, false, []string{}, 0}},
		{"the last flag counts", "", nil, []string{"--port", "5", "--port", "6"}, told{"default", 6, false, nil, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := configure(t, tt.file, tt.environ, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			got := told{string(o.node.Site), o.node.Mesh.Port, o.node.Open, o.node.Mesh.Join, o.node.CloudDelay}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	o, err := configure(t, "site: file", []string{"GANGLION_CONFIG=node.yaml"})
	if err != nil || o.node.Site != "file" {
		t.Errorf("a file named by a variable: site %q, %v", o.node.Site, err)
	}
}

// TestEveryFaultIsToldAtOnce is a person's worst evening: nothing is right, and all of it
// is told in one go, each with its place and the way out.
func TestEveryFaultIsToldAtOnce(t *testing.T) {
	_, err := configure(t, `name: attic
prot: 3
port: 1
port: 2
sources: [street, {source: street, veiw: a}, {view: b}]
log_level: loud
run:
round_trip_max: 1h
interfaces:
  - lo
  - lo
`, []string{"GANGLION_PROT=4", "GANGLION_SPLIT=some", "GANGLION_OPEN=perhaps", "GANGLION_TOKEN=" + brokenToken, "GANGLION_DATA=ours"},
		"--foo", "3", "--interfcae=lo", "--cloud-delay", "20s", "--retention", "1kB", "--eligible", "aggregator", "--pin", "cloud",
		"--view", "a", "--join", "a b", "--beacon-port", "99999", "--api", "0.0.0.0:3", "--class", "--name")
	want := `22 faults:
  --foo: there is no such flag: ` + "`ganglion node --help`" + ` lists them
  --interfcae: there is no such flag: did you mean --interface?
  --class: it needs a value: write --class N
  --name: it needs a value: write --name NAME
  GANGLION_PROT: no setting has this variable: did you mean GANGLION_PORT?
  node.yaml:2: "prot": there is no such key: did you mean port?
  node.yaml:4: port: the key is in line 3 already: keep one
  node.yaml:5: sources: "veiw": there is no such key: a source has source and view
  node.yaml:5: sources: the source is missing: write {source: SPEC, view: NAME}
  node.yaml:7: run: it has no value: write one, or leave the line out
  GANGLION_TOKEN: parse token: checksum does not fit; look at character 56 (group 7, number 8): it is wrong, or swapped with the next
  GANGLION_OPEN: "perhaps": use true or false
  --beacon-port: "99999" is no port: give a number from 0 to 65535
  node.yaml:6: log_level: "loud": use debug, info, warn or error
  node.yaml:8: round_trip_max: round trip maximum is 1h0m0s: give more than zero and at most 2s
  node.yaml:10: interfaces and node.yaml:11: interfaces: interface "lo" is empty or given twice
  --join: join "a b": give host, host:port or a multiaddress
  --api: API address 0.0.0.0:3 is reached from other machines: give a token file too (--api-token-file), or use 127.0.0.1:3
  --eligible and --pin: pin "cloud": the node is not eligible for it: add it to the eligible roles
  GANGLION_SPLIT: split "some": use test or all
  --cloud-delay: cloud delay 20s: use 0 to 10s
  --retention: retention of 1000 bytes: use at least 65536`
	if err == nil {
		t.Fatal("no fault is told")
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if usage := (*usageError)(nil); !errors.As(err, &usage) {
		t.Errorf("got %T, which does not exit with %d", err, exitUsage)
	}
}

// TestFaults has those that are alone, or that hide others.
func TestFaults(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		environ []string
		args    []string
		want    string
	}{
		{"an argument", "", nil, []string{"street"}, `unexpected argument "street": a node takes flags alone`},
		{"a short flag", "", nil, []string{"-v"}, "-v: there is no such flag"},
		{"two tokens", "", []string{"GANGLION_TOKEN=" + someToken, "GANGLION_TOKEN_FILE=token"}, nil, "GANGLION_TOKEN and GANGLION_TOKEN_FILE: there are two tokens: give one of them"},
		{"a token for everybody", "", []string{"GANGLION_TOKEN=" + someToken}, []string{"--open"}, "GANGLION_TOKEN and --open: open and a token: "},
		{"an empty token", "", []string{"GANGLION_TOKEN="}, nil, "GANGLION_TOKEN: parse token: it is empty"},
		{"no token file", "", nil, []string{"--token-file", "absent"}, "--token-file: open absent: "},
		{"no file", "", nil, []string{"--config", "absent.yaml"}, "--config: open absent.yaml: "},
		{"too many views", "", nil, []string{"--source", "street@1", "--view", "2"}, `--view: no source is left for view "2"`},
		{"a view twice over", "sources: [{source: street@1, view: 2}]", nil, nil, "node.yaml:1: sources: source replay:street@1 has a view, and view \"2\" is beside it: keep one"},
		{"one view for two sources", "sources:\n- street@1\n- street@1", nil, nil, `node.yaml:2: sources and node.yaml:3: sources: view "1" is given to two sources`},
		{"no source, so no word of its view", "", nil, []string{"--source", "absent", "--view", "1"}, `--source: read source "absent"`},
		{"none and a role", "eligible: [none, cloud]", nil, nil, "node.yaml:1: eligible: none and a role: give one of the two"},
		{"a role that is none", "", []string{"GANGLION_PIN=boss"}, nil, `GANGLION_PIN: pin: role "boss": use aggregator or cloud`},
		{"no class", "", nil, []string{"--class", "fast"}, `--class: "fast" is no class: give a number`},
		{"no size", "", nil, []string{"--retention", "9TiB"}, `--retention: "9TiB" is no size: write it like 16MiB, below 2GiB`},
		{"a size too large", "", nil, []string{"--retention", "2GiB"}, `--retention: "2GiB" is no size`},
		{"no time", "", nil, []string{"--cloud-delay", "3"}, `--cloud-delay: "3" is no time: write it like 80ms or 1.5s`},
		{"an address without a port", "api: 127.0.0.1", nil, nil, `node.yaml:1: api: "127.0.0.1" is no IP address with a port: write it like 127.0.0.1:4802`},
		{"a bundle that is not there", "", nil, []string{"--model", "absent"}, "--model: stat absent: "},
		{"a name that cannot be shown", "", nil, []string{"--name", "a\x07b"}, `--name: name "a\ab": give printable UTF-8`},
		{"a state that is a file", "", nil, []string{"--state", "token"}, "--state: token is no folder"},
		{"an API token for all to read", "", nil, []string{"--api-token-file", "/dev/null"}, "--api-token-file: read API token"},
		{"a list without an end", "", []string{"GANGLION_JOIN=" + strings.Repeat("a,", maxValues+1)}, nil, "GANGLION_JOIN: 129 values are too many"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := configure(t, tt.file, tt.environ, tt.args...)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) && !strings.Contains(err.Error(), "faults:\n  "+tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err != nil && !strings.Contains(tt.want, "too many") && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than the one fault:\n%v", err)
			}
		})
	}
}

// TestTokenIsFound gives the token in every way that there is, and in two at once.
func TestTokenIsFound(t *testing.T) {
	other := secret.NewToken().Reveal()
	tests := []struct {
		name    string
		file    string
		environ []string
		args    []string
		want    string
	}{
		{"nowhere", "", nil, nil, ""},
		{"in a file", "", nil, []string{"--token-file", "token"}, someToken},
		{"on standard input", "", nil, []string{"--token-file", "-"}, someToken},
		{"in a variable", "", []string{"GANGLION_TOKEN= " + strings.ToUpper(someToken)}, nil, someToken},
		{"in a file named by a variable", "", []string{"GANGLION_TOKEN_FILE=token"}, nil, someToken},
		{"in a file named by the file", "token_file: token", nil, nil, someToken},
		{"a variable over the file", "token_file: absent", []string{"GANGLION_TOKEN=" + other}, nil, other},
		{"a flag over a variable", "", []string{"GANGLION_TOKEN=" + other}, []string{"--token-file", "token"}, someToken},
		{"a flag that takes it away", "token_file: token", nil, []string{"--token-file="}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := configure(t, tt.file, tt.environ, tt.args...)
			if err != nil || o.node.Token != tt.want {
				t.Errorf("got a token of %d characters, %v; want one of %d", len(o.node.Token), err, len(tt.want))
			}
		})
	}
}

// TestTokensAreNotRepeated puts a token wherever a hurried person may: what is printed
// then ends up in logs and in reports of faults.
func TestTokensAreNotRepeated(t *testing.T) {
	spaced := strings.Fields(strings.ReplaceAll(someToken, "-", " "))
	for _, row := range []struct {
		name    string
		file    string
		environ []string
		args    []string
	}{
		{"as a flag", "", nil, []string{"--token", someToken}},
		{"as a flag with =", "", nil, []string{"--token=" + someToken}},
		{"in pieces", "", nil, append([]string{"--token"}, spaced...)},
		{"as an argument", "", nil, []string{someToken}},
		{"as the name of its file", "", nil, []string{"--token-file", someToken}},
		{"without its beginning", "", nil, []string{"--token-file", someToken[5:]}},
		{"in capitals", "", nil, []string{"--token-file", strings.ToUpper(someToken)}},
		{"in another setting", "", nil, []string{"--join", someToken + " ", "--port", someToken, "--log-level", someToken}},
		{"as a flag's name", "", nil, []string{"--" + someToken}},
		{"as a variable's name", "", []string{"GANGLION_" + someToken + "=1"}, nil},
		{"wrong, in the variable", "", []string{"GANGLION_TOKEN=" + brokenToken}, nil},
		{"cut short, in the variable", "", []string{"GANGLION_TOKEN=" + someToken[:40]}, nil},
		{"in the file", "token: " + someToken, nil, nil},
		{"as a key", someToken + ": 1", nil, nil},
		{"alone in the file", someToken, nil, nil},
		{"as a source", "sources: [" + someToken + "]", nil, nil},
		{"in what is not YAML", "name: [" + someToken, nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := configure(t, row.file, row.environ, row.args...)
			if err == nil {
				t.Fatal("it is no fault")
			}
			told := strings.ToLower(err.Error())
			for _, group := range spaced[1:] {
				if strings.Contains(told, group) {
					t.Errorf("a part of the token is repeated:\n%v", err)
					break
				}
			}
		})
	}
}

// TestViewsGoToSources shows whom a --view belongs to.
func TestViewsGoToSources(t *testing.T) {
	o, err := configure(t, "", nil, "--source", "street", "--view", "north", "--source", "street@west", "--source", "street", "--view", "south", "--source", "street")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range o.node.Sources {
		got = append(got, s.View)
	}
	if want := []string{"north", "west", "south", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	o, err = configure(t, "sources: [street]", nil, "--view", "1")
	if want := []source.Spec{{Kind: source.KindReplay, Ref: "street", View: "1"}}; err != nil || !cmp.Equal(o.node.Sources, want) {
		t.Errorf("a view for a source of the file: %v, %v", o.node.Sources, err)
	}
}

// TestNoRoleAtAll tells none from not given: nil is every role.
func TestNoRoleAtAll(t *testing.T) {
	for _, row := range []struct {
		file string
		args []string
		want []string
	}{
		{"", nil, nil},
		{"", []string{"--eligible", "none"}, []string{}},
		{"eligible: []", nil, []string{}},
		{"eligible: none", nil, []string{}},
	} {
		o, err := configure(t, row.file, nil, row.args...)
		if err != nil || !cmp.Equal(o.node.Eligible, row.want) {
			t.Errorf("%q %q: got %#v, %v; want %#v", row.file, row.args, o.node.Eligible, err, row.want)
		}
	}
}

func TestDefaultState(t *testing.T) {
	o, err := configure(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := filepath.ToSlash(o.node.Dir); !strings.HasSuffix(got, "/ganglion") {
		t.Errorf("state is kept in %q", got)
	}
	if o, err = configure(t, "", nil, "--state", "none"); err != nil || o.node.Dir != "" {
		t.Errorf("none is %q, %v", o.node.Dir, err)
	}
}
