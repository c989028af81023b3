package command

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"ganglion/mesh/secret"
	"ganglion/node/control"
	"ganglion/node/source"
)

// noneWord stands for an empty list, and for no folder.
const noneWord = "none"

// reader takes the values of a setting into the options. What package node judges is not
// judged here.
type reader func(o *nodeOptions, values []given) []fault

// oneOf reads a setting that has one value.
func oneOf(read func(o *nodeOptions, text string) error) reader {
	return func(o *nodeOptions, values []given) []fault {
		var faults []fault
		for _, v := range values {
			if err := read(o, v.text); err != nil {
				faults = append(faults, fault{v.from, err.Error()})
			}
		}
		return faults
	}
}

func textOf[T ~string](to func(*nodeOptions) *T) reader {
	return oneOf(func(o *nodeOptions, text string) error {
		*to(o) = T(text)
		return nil
	})
}

func listOf[T ~string](to func(*nodeOptions) *[]T) reader {
	return func(o *nodeOptions, values []given) []fault {
		list := make([]T, len(values))
		for i, v := range values {
			list[i] = T(v.text)
		}
		*to(o) = list
		return nil
	}
}

func wordOf(to func(*nodeOptions) *string, known []string) reader {
	return oneOf(func(o *nodeOptions, text string) error {
		if !slices.Contains(known, text) {
			return fmt.Errorf("%q: use %s", text, anyOf(known))
		}
		*to(o) = text
		return nil
	})
}

func switchOf(to func(*nodeOptions) *bool) reader {
	return oneOf(func(o *nodeOptions, text string) error {
		if text != "true" && text != "false" {
			return fmt.Errorf("%q: use true or false", text)
		}
		*to(o) = text == "true"
		return nil
	})
}

func portOf(to func(*nodeOptions) *uint16) reader {
	return oneOf(func(o *nodeOptions, text string) error {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no port: give a number from 0 to %d", text, math.MaxUint16)
		}
		*to(o) = uint16(n)
		return nil
	})
}

func durationOf(to func(*nodeOptions) *time.Duration) reader {
	return oneOf(func(o *nodeOptions, text string) error {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is no time: write it like 80ms or 1.5s", text)
		}
		*to(o) = d
		return nil
	})
}

func roundTripMax(o *nodeOptions) *time.Duration { return &o.node.Mesh.RoundTripMax }
func cloudDelay(o *nodeOptions) *time.Duration   { return &o.node.CloudDelay }

func readState(o *nodeOptions, text string) error {
	switch text {
	case "":
		return errors.New("it is empty: name a folder, or none")
	case noneWord:
		text = ""
	default:
		if info, err := os.Stat(text); err == nil && !info.IsDir() {
			return fmt.Errorf("%s is no folder: name one, or one to be made", text)
		}
	}
	o.node.Dir = text
	return nil
}

func readSources(o *nodeOptions, values []given) []fault {
	var faults []fault
	for _, v := range values {
		spec, err := source.ParseSpec(v.text)
		if err == nil && v.view != "" && spec.View != "" {
			err = fmt.Errorf("source %s has a view, and view %q is beside it: keep one", spec, v.view)
		}
		if err != nil {
			o.unread++
			faults = append(faults, fault{v.from, err.Error()})
			continue
		}
		if v.view != "" {
			spec.View = v.view
		}
		o.node.Sources = append(o.node.Sources, spec)
	}
	return faults
}

// readViews gives views to the sources without one, in their order.
func readViews(o *nodeOptions, values []given) []fault {
	rest := values
	for i := range o.node.Sources {
		if s := &o.node.Sources[i]; s.View == "" && len(rest) > 0 {
			s.View = rest[0].text
			rest = rest[1:]
		}
	}
	var faults []fault
	for i, v := range rest {
		if i >= o.unread {
			faults = append(faults, fault{v.from, fmt.Sprintf("no source is left for view %q: each goes to the next --source without @VIEW", v.text)})
		}
	}
	return faults
}

func readModel(o *nodeOptions, text string) error {
	o.node.Model = text
	if text == "" {
		return nil
	}
	const hint = "name a bundle, as `ganglion train` writes them"
	info, err := os.Stat(text)
	if err != nil {
		return fmt.Errorf("%w: %s", err, hint)
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder: %s", text, hint)
	}
	return nil
}

func readAPITokenFile(o *nodeOptions, text string) error {
	o.node.APITokenFile = text
	if text == "" {
		return nil
	}
	_, err := control.ReadToken(text) // the node reads it again
	return err
}

// readEligible reads roles; none, or an empty list, is no role.
func readEligible(o *nodeOptions, values []given) []fault {
	o.node.Eligible = []string{}
	for _, v := range values {
		if v.text != noneWord {
			o.node.Eligible = append(o.node.Eligible, v.text)
		} else if len(values) > 1 {
			return []fault{{v.from, "none and a role: give one of the two"}}
		}
	}
	return nil
}

func readClass(o *nodeOptions, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%q is no class: give a number", text)
	}
	o.node.Class = n
	return nil
}

func readAPI(o *nodeOptions, text string) error {
	if rest, ok := strings.CutPrefix(text, "localhost:"); ok {
		text = "127.0.0.1:" + rest
	}
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		return fmt.Errorf("%q is no IP address with a port: write it like %s", text, o.node.API)
	}
	o.node.API = address
	return nil
}

// sizeUnits are what a size may end in.
func sizeUnits() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}
}

func readRetention(o *nodeOptions, text string) error {
	number, unit := strings.TrimSpace(text), int64(1)
	for _, u := range sizeUnits() {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt32/unit || n < 0 {
		return fmt.Errorf("%q is no size: write it like %s, below 2GiB", text, sizeText(o.node.RetentionBytes))
	}
	o.node.RetentionBytes = int(n * unit)
	return nil
}

// sizeText is a size as people write it.
func sizeText(bytes int) string {
	for _, u := range sizeUnits() {
		if int64(bytes) >= u.bytes && int64(bytes)%u.bytes == 0 {
			return fmt.Sprintf("%d%s", int64(bytes)/u.bytes, u.name)
		}
	}
	return strconv.Itoa(bytes)
}

// defaultState is the folder for the state of the user's programs, and ours in it.
func defaultState(getenv func(string) string) (string, error) {
	const ours = "ganglion"
	switch runtime.GOOS {
	case "windows":
		dir, err := os.UserCacheDir() // %LocalAppData%: what stays on this machine
		if err != nil {
			return "", fmt.Errorf("find the state folder: %w: name one with --state DIR, or --state none", err)
		}
		return filepath.Join(dir, ours), nil
	case "darwin", "ios":
		dir, err := os.UserConfigDir() // ~/Library/Application Support
		if err != nil {
			return "", fmt.Errorf("find the state folder: %w: name one with --state DIR, or --state none", err)
		}
		return filepath.Join(dir, ours), nil
	}
	// A relative XDG_STATE_HOME is to be ignored, says its specification.
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, ours), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("the user has no home folder to keep the state in: name a folder with --state DIR, or --state none")
	}
	return filepath.Join(home, ".local", "state", ours), nil
}

// readTokenFile reads the mesh's token. A terminal does not show it.
func readTokenFile(path string, around surroundings) (secret.Token, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return secret.Token{}, fmt.Errorf("%w; it holds what the first node of the mesh printed, or make one for a new mesh with: ganglion token new --out %s", err, clean(path))
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			fmt.Fprintf(around.errs, "ganglion: warning: others of this machine may read the token in %s (mode %#o); mend it with: chmod 600 %s\n",
				clean(path), info.Mode().Perm(), clean(path))
		}
		return secret.ReadToken(f)
	}
	f, ok := around.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return secret.ReadToken(around.in)
	}
	fmt.Fprint(around.errs, "token (it is not shown): ")
	typed, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(around.errs)
	if err != nil {
		return secret.Token{}, fmt.Errorf("read token: %w", err)
	}
	return secret.ParseToken(string(typed))
}
