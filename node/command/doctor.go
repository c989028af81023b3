package command

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/mesh/discovery"
	"ganglion/mesh/secret"
	"ganglion/node/doctor"
	"ganglion/proto/controlpb"
)

// doctorFlags are those of the verb.
type doctorFlags struct {
	node       nodeFlags
	interfaces []string
	state      string
	verbose    bool
	asJSON     bool
}

func newDoctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with a node and its network, and what mends it",
		Long: `Looks at one node: what it sent and heard by each way of finding others on each
interface, which meshes are near, whether it can dial the others and they can dial it,
versions, the model, views, roles, the slowest hop, dropped frames. It names the likely
cause of what is wrong and the command that mends it; docs/doctor.md has each.

Where no node runs on this machine it looks by itself, for three seconds: interfaces,
ports, the token in the state folder, and which meshes are heard.

The exit code is 0 where all is well, remarks included, and 1 where something is to be
mended.`,
		Example: `  ganglion doctor
  ganglion doctor --node camera2 --verbose
  ganglion doctor --json | jq -r '.findings[].code'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.node.add(cmd)
	cmd.Flags().StringSliceVar(&f.interfaces, "interface", nil, "where no node runs: the interface `NAME` to listen on, and no other, as for ganglion node")
	cmd.Flags().StringVar(&f.state, "state", "", "where no node runs: the state folder `DIR` of the node that is to run")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "all that is known, also where all is well")
	addJSON(cmd, &f.asJSON)
	return cmd
}

// run asks a node or, where none answers and none was named, looks by itself.
func (f *doctorFlags) run(cmd *cobra.Command) error {
	var facts *controlpb.DiagnoseResponse
	n, unasked := f.node.find(cmd)
	switch {
	case unasked == nil:
		ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
		defer cancel()
		var err error
		if facts, err = n.Diagnose(ctx, &controlpb.DiagnoseRequest{}); err != nil {
			return n.Explain(err)
		}
	case f.node.node != "" || cmd.Context().Err() != nil:
		return unasked
	default:
		place, err := f.place()
		if err != nil {
			return err
		}
		if !f.asJSON {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s.\nListening for %v to what this machine hears.\n", strings.TrimSuffix(capital(unasked.Error()), "."), place.Discovery.Listen)
		}
		if facts, err = doctor.Look(cmd.Context(), place, defaultLog().logger(cmd.ErrOrStderr(), true)); err != nil {
			return err
		}
	}
	var err error
	if f.asJSON {
		err = writeJSON(cmd.OutOrStdout(), diagnosisJSON(facts, unasked))
	} else {
		err = printDiagnosis(cmd.OutOrStdout(), facts, f.verbose)
	}
	if err == nil && !doctor.Healthy(facts.GetFindings()) {
		err = unhealthy(facts)
	}
	return err
}

// place is what a node would work with that is started here with these flags, and the
// variables of the environment that are a node's.
func (f *doctorFlags) place() (doctor.Place, error) {
	var args []string
	for _, name := range f.interfaces {
		args = append(args, "--interface", name)
	}
	if f.state != "" {
		args = append(args, "--state", f.state)
	}
	o, _, err := readNodeOptions(args, surroundings{environ: os.Environ(), in: strings.NewReader(""), errs: os.Stderr})
	if err != nil {
		return doctor.Place{}, err
	}
	p := doctor.Place{State: o.node.Dir, Open: o.node.Open, Port: o.node.Mesh.Port, Discovery: discovery.DefaultLAN()}
	p.Discovery.Interfaces, p.Discovery.Port, p.Discovery.Without = o.node.Mesh.Interfaces, o.node.Mesh.BeaconPort, o.node.Mesh.Without
	if o.node.Token != "" {
		if p.Token, err = secret.ParseToken(o.node.Token); err != nil {
			return doctor.Place{}, err
		}
	}
	return p, nil
}

// diagnosisJSON is a diagnosis for programs: the facts under their names in the schema, and
// whether they are those of a healthy node. asked says why no node was asked; null: one was.
func diagnosisJSON(facts *controlpb.DiagnoseResponse, unasked error) object {
	var why *string
	if unasked != nil {
		why = orNull(unasked.Error())
	}
	out := object{{"healthy", doctor.Healthy(facts.GetFindings())}, {"unasked", why}}
	return append(out, plainMessage(facts.ProtoReflect())...)
}

// unhealthy is the error of a node that is not well: what is to be mended was said.
func unhealthy(facts *controlpb.DiagnoseResponse) error {
	grave := 0
	for _, one := range facts.GetFindings() {
		if one.GetGrave() {
			grave++
		}
	}
	return fmt.Errorf("not healthy: %s to be mended", count(grave, "thing is", "things are"))
}

// capital is a text with a capital letter in front.
func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
