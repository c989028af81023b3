// Package chaos does harm to the nodes of a mesh on purpose, and tells what the mesh made
// of it.
//
// # Faults
//
// A [Fault] is what is done to one node:
//
//	kill   its process ends at once: nothing is handed over, nothing announced
//	pause  its process stands still, and goes on after a while as if nothing had been
//	cut    nothing it sends leaves it, nothing reaches it: a pulled cable
//	slow   each round trip takes longer
//	lose   a share of the segments is lost, and sent again by TCP
//	heal   what of these is in force ends
//
// A node takes faults only if it was started to take them (--allow-chaos), from its own
// control API or from any member, and it carries them out itself: a [Body] is that part of a
// node. It also ends them itself. Every fault but kill has a time, [MostFor] at most, that
// the node keeps on its own: whoever injected it may be dead by then, or cut off from the
// node by the very fault. A paused node cannot keep a time; a small process of the same
// program does it for it, [Wake], which outlives whoever injected the fault and ends with
// the node.
//
// A fault begins [Lead] after the node took it, so that the answer is on its way before.
//
// # Targets and plans
//
// A [Target] says whom a fault strikes: a node, a view's, whoever has a role, or a drawn
// share of such. It is resolved at each injection anew, so that a plan that kills the
// aggregator every ten seconds strikes another one each time. A [Plan] is steps with a time
// each; [ReadPlan] reads one from YAML.
//
// # The conductor
//
// A [Conductor] carries a plan out on a mesh that it knows through the nodes of this
// machine. Nodes of this machine are always asked over their own control API, which works
// when they are cut off; nodes elsewhere through any member. It listens to the events of all
// nodes of this machine, and to the verdicts of some that no fault is in force at.
//
// # The timeline
//
// A [Timeline] makes the story of it. It is fed with injections, with events of nodes and
// with verdicts, each with the time at which it was heard, and it returns entries as they
// come: the fault, who noticed it and how, who claimed and why, who has the role now, the
// first verdict after. [Timeline.Report] sums up one fault: the largest gap between two
// verdicts, and what became of the samples that were in flight. It is pure and keeps what it
// needs alone, so that whoever else injects faults may use it:
//
//	t := chaos.NewTimeline()
//	t.Run(run, period)                             // once the run is known; again for another
//	entries := t.Inject(chaos.Injection{At: at, Fault: fault, Targets: nodes})
//	entries = t.Event(time.Now(), "camera1", event) // of the control API, from each node
//	entries = t.Verdict(time.Now(), verdict)        // from one node, or from several
//	report := t.Report(1, time.Now())
//
// Events and verdicts of a node that is dead, stands still or is cut off are not to be fed:
// what it says is its own view, not the mesh's. Faults overlap as they like; a verdict belongs to the
// injection before it.
//
// A sample is in flight when its moment has come and its verdict is not out: the moment of
// beats is placed by the run's period and the earliest verdict for its beat, so that what a
// verdict takes to get here does not count.
//
// # Limits
//
// A pause is for systems with signals; elsewhere it is refused. A node that was started in a
// shell by hand is taken for a stopped job by that shell when it is paused. A cut covers what
// the node's own process sends: other programs of the machine are not touched. A node
// elsewhere that is cut off ends that by its own time alone.
package chaos
