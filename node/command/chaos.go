package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/node"
	"ganglion/node/chaos"
	"ganglion/node/control"
)

// chaosFlags are the flags of the verbs of chaos.
type chaosFlags struct {
	node  nodeFlags
	seed  uint64
	every time.Duration
	times int
	loss  string
	json  bool
	fault chaos.Fault
}

const chaosLong = `Does harm to nodes of a running mesh on purpose, and shows what the mesh makes of it: who
noticed it and how, who took which role over, when the next answer came, the largest gap
between two answers, and what became of the samples that were in flight.

Only nodes that were started with --allow-chaos take part; those of 'ganglion demo' are.
Every fault but kill ends by itself after --for, whatever becomes of this program, and
Ctrl-C ends all of them.

A target is one of
  camera3, 12D3KooWabc     a node by its name, or by the beginning or end of its peer
  aggregator, cloud        whoever has the role now; edge and coordinator are roles too
  standby aggregator       whoever has it next
  view 3, view north       the node that feeds a view
  nodes, devices, spares   all; those with a view; those without one
  30%, 2 of devices        so many of them, drawn: --seed draws the same again
and is looked up anew each time: --every 10s with aggregator strikes another one each time.`

func newChaosCommand() *cobra.Command {
	cmd := family("chaos", "Kill, stop, cut off or slow down nodes on purpose, and see what the mesh makes of it",
		deedCommand(chaos.Kill, "End a node's process at once, as a power cut would", `  ganglion chaos kill aggregator
  ganglion chaos kill "2 of devices"`),
		deedCommand(chaos.Pause, "Have a node's process stand still for a while", `  ganglion chaos pause cloud --for 3s
  ganglion chaos pause aggregator --for 3s --every 15s --times 4`),
		deedCommand(chaos.Cut, "Cut a node off, as a pulled cable would", `  ganglion chaos cut "view 3" --for 10s
  ganglion chaos cut 30% --for 10s --seed 1`),
		deedCommand(chaos.Slow, "Have each round trip to a node take longer", `  ganglion chaos slow cloud --delay 300ms --for 1m`),
		deedCommand(chaos.Lose, "Lose a share of what goes to a node and comes from it", `  ganglion chaos lose nodes --loss 5% --for 1m`),
		deedCommand(chaos.Heal, "End the faults of a node", `  ganglion chaos heal nodes`),
		newChaosRunCommand(),
		newWakeCommand(),
	)
	cmd.Long = chaosLong
	cmd.Example = `  ganglion chaos kill aggregator
  ganglion chaos cut "2 of devices" --for 10s
  ganglion chaos slow cloud --delay 300ms --for 1m
  ganglion chaos pause aggregator --for 3s --every 15s --times 4
  ganglion chaos heal nodes
  ganglion chaos run plan.yaml`
	return cmd
}

// deedCommand is the verb of one thing that can be done.
func deedCommand(do chaos.Do, short, example string) *cobra.Command {
	f := chaosFlags{fault: chaos.Fault{Do: do}}
	cmd := &cobra.Command{
		Use: string(do) + " TARGET", Short: short, Example: example,
		Long: short + ".\n\n'ganglion chaos --help' says what a target is.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("give a target: a node, a role, a view or a share, such as aggregator")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"every", "times"} { // not what is taken where the flag is left out
				if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed && (flag.Value.String() == "0" || flag.Value.String() == "0s") {
					return usagef("--%s %s is nothing: give more than zero, or leave it out", name, flag.Value)
				}
			}
			step, err := f.step(strings.Join(args, " "))
			if err != nil {
				return err
			}
			return f.conduct(cmd, chaos.Plan{Steps: []chaos.Step{step}})
		},
		ValidArgsFunction: completeTarget,
	}
	flags := cmd.Flags()
	lasting := chaos.Fault{Do: do}.Lasts()
	if lasting {
		flags.DurationVar(&f.fault.For, "for", chaos.DefaultFor, "`TIME` after which the node ends it by itself, at most "+chaos.MostFor.String())
	}
	if do != chaos.Heal {
		flags.DurationVar(&f.every, "every", 0, "do it again each `TIME`, until Ctrl-C or as often as --times says")
		flags.IntVar(&f.times, "times", 0, "how often `N` it is done, with --every")
	}
	switch do {
	case chaos.Slow:
		flags.DurationVar(&f.fault.Delay, "delay", chaos.DefaultDelay, "`TIME` to add to each round trip, at most "+chaos.MostDelay.String())
	case chaos.Lose:
		flags.StringVar(&f.loss, "loss", chaos.Percent(chaos.DefaultLoss), "`SHARE` of the segments to lose each way, at most "+chaos.Percent(chaos.MostLoss))
	default:
	}
	f.add(cmd)
	return cmd
}

// add adds the flags that all verbs have.
func (f *chaosFlags) add(cmd *cobra.Command) {
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "`N` that decides who is drawn (default: another each time, which is said)")
	f.node.add(cmd)
	addJSON(cmd, &f.json)
}

// step is what the flags and the target say.
func (f *chaosFlags) step(target string) (chaos.Step, error) {
	t, err := chaos.ParseTarget(target)
	if err != nil {
		return chaos.Step{}, usagef("%v", err)
	}
	s := chaos.Step{Target: t, Fault: f.fault, Every: f.every, Times: f.times}
	if f.loss != "" {
		if s.Fault.Loss, err = chaos.ParseShare(f.loss); err != nil {
			return chaos.Step{}, usagef("--loss: %v", err)
		}
	}
	if err := s.Validate(); err != nil {
		return chaos.Step{}, usagef("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return s, nil
}

func newChaosRunCommand() *cobra.Command {
	var f chaosFlags
	var dry bool
	cmd := &cobra.Command{
		Use:   "run PLAN",
		Short: "Carry out a plan of faults from a YAML file",
		Example: `  ganglion chaos run plan.yaml --dry-run    what it would do, and to whom
  ganglion chaos run plan.yaml --seed 1`,
		Long: `Carries out a plan: a YAML file with a list of steps.

  - {at: 2s, do: kill, target: aggregator}
  - {at: 10s, do: cut, target: 2 of devices, for: 5s}
  - {at: 20s, do: slow, target: cloud, delay: 200ms, for: 10s, every: 30s, times: 3}
  - {at: 20s, do: lose, target: nodes, loss: 5%, for: 1m}

at counts from the start of the plan. 'ganglion chaos --help' says what a target is.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("give the file of a plan")
			}
			return atMostOneArg(nil, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := readPlan(args[0])
			if err != nil {
				return err
			}
			if dry {
				return f.rehearse(cmd, p)
			}
			return f.conduct(cmd, p)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and to whom as things are now, and do nothing")
	f.add(cmd)
	return cmd
}

// readPlan reads the file of a plan.
func readPlan(path string) (chaos.Plan, error) {
	file, err := os.Open(path)
	if err != nil {
		return chaos.Plan{}, fmt.Errorf("read plan: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, chaos.MostPlanBytes+1))
	if err != nil {
		return chaos.Plan{}, fmt.Errorf("read plan: %w", err)
	}
	p, err := chaos.ReadPlan(path, data)
	if err != nil {
		return chaos.Plan{}, usagef("%s", err.Error())
	}
	return p, nil
}

// seeded is the seed that was given, or a new one.
func (f *chaosFlags) seeded(cmd *cobra.Command) uint64 {
	if cmd.Flags().Changed("seed") {
		return f.seed
	}
	const short = 1_000_000 // easy to type
	return rand.Uint64N(short)
}

// conduct carries a plan out.
func (f *chaosFlags) conduct(cmd *cobra.Command, p chaos.Plan) error {
	n, err := f.node.find(cmd)
	if err != nil {
		return err
	}
	finder := control.Finder{TokenFile: f.node.tokenFile}
	told := &chaosLines{w: cmd.OutOrStdout(), remarks: cmd.ErrOrStderr(), json: f.json, colours: coloured(cmd.OutOrStdout())}
	seed := f.seeded(cmd)
	told.begin(n, seed, &p)
	c := chaos.NewConductor(chaos.ConductorConfig{
		Asked: n, Seed: seed,
		Local: func(ctx context.Context, skip func(control.RunFile) bool) ([]*control.Node, error) {
			return finder.Local(ctx, n.Status.GetMesh(), skip)
		},
	}, told)
	s, err := c.Run(cmd.Context(), p)
	if s == nil {
		return err
	}
	if failed := told.end(s); failed != nil {
		return failed
	}
	switch {
	case err != nil:
		return err
	case len(s.Failed) > 0 && len(s.Faults) == 0:
		return errors.New(s.Failed[0])
	case len(s.Failed) > 0:
		return fmt.Errorf("%s could not be injected, the last: %s", count(len(s.Failed), "fault", "faults"), s.Failed[len(s.Failed)-1])
	case s.Uncounted != nil:
		return fmt.Errorf("whether samples of run %s were lost cannot be said: %w", s.Run, s.Uncounted)
	case s.Lost != nil && *s.Lost > 0:
		return fmt.Errorf("%s of run %s were lost", count(*s.Lost, "sample", "samples"), s.Run)
	}
	return nil
}

// rehearse says what a plan would do.
func (f *chaosFlags) rehearse(cmd *cobra.Command, p chaos.Plan) error {
	n, missing := f.node.find(cmd)
	seed := f.seeded(cmd)
	draw := rand.New(rand.NewPCG(seed, 0))
	var steps []rehearsed
	here := map[string]int{}
	if missing == nil {
		here = localPIDs(n)
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		one := rehearsed{At: s.At.String(), Do: s.String(), Now: []string{}}
		if missing == nil {
			of, err := chaos.ResolveNow(cmd.Context(), n, s, draw, func(peer string) bool { return here[peer] != 0 })
			if err != nil {
				one.Fault = err.Error()
			}
			for _, m := range of {
				one.Now = append(one.Now, m.GetName())
				if !m.GetAllowsChaos() {
					one.Fault = m.GetName() + " was not started with --allow-chaos"
				}
			}
		} else {
			one.Fault = missing.Error()
		}
		steps = append(steps, one)
	}
	if err := printRehearsal(cmd.OutOrStdout(), steps, seed, f.json); err != nil {
		return err
	}
	return faultOf(steps)
}

// faultOf is why a plan that was rehearsed could not be carried out as things are; nil: it
// could.
func faultOf(steps []rehearsed) error {
	var faults []string
	for i, s := range steps {
		if s.Fault != "" {
			faults = append(faults, fmt.Sprintf("step %d: %s", i+1, s.Fault))
		}
	}
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return errors.New(faults[0])
	}
	return fmt.Errorf("%d of %d steps could not be carried out now, the first: %s", len(faults), len(steps), faults[0])
}

// newWakeCommand is the process that wakes a paused node. People have no use for it.
func newWakeCommand() *cobra.Command {
	return &cobra.Command{
		Use: wakeVerb + " PID TIME", Hidden: true, Short: "Wake a paused node, which starts this by itself",
		Args: func(_ *cobra.Command, args []string) error {
			const wanted = 2
			if len(args) != wanted {
				return usagef("a node starts this by itself, to be woken after a pause")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			pid, err := strconv.Atoi(args[0])
			if err != nil {
				return usagef("%q is no process", args[0])
			}
			d, err := time.ParseDuration(args[1])
			if err != nil {
				return usagef("%q is no time", args[1])
			}
			return chaos.Wake(pid, d, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

const wakeVerb = "wake"

// wakerOf is the command line of the process that wakes a node of this program; nil where the
// node takes no faults, or cannot say where its program is.
func wakerOf(c *node.Config) []string {
	if !c.AllowChaos {
		return nil
	}
	program, err := os.Executable()
	if err != nil {
		return nil // it refuses to be paused then, and says so
	}
	return []string{program, "chaos", wakeVerb}
}
