// Package evaluation measures a network on labelled samples, and chooses the
// thresholds of its exits. It runs the network as deployed ([inference.Model]), not
// the trainer's.
//
// The device sections run once per sample (and again where views are added one by one, or
// nodes lost: what to ask depends on what was found); from there every set of
// views is a matter of aggregating what they made, and every threshold a matter of
// comparing entropies. So "what if these cameras were gone" is answered for every set of
// views that a report lists, and the sweep over T runs nothing twice.
//
// # Definitions
//
//   - A sample with a view left has at least one view that sees something and is not
//     missing. Any other sample is answered by exit "none": it is counted as no_view
//     and never scored as a class, right or wrong.
//   - A sample without a label is run and counted, and scored nowhere.
//   - Overall accuracy: of the samples with a view left, the share that the exit rule
//     answers rightly (section III-F of the paper).
//   - Local (edge, cloud) accuracy: the same if every sample exited there (section
//     III-F). With several groups the first proposal of that tier answers, as it does
//     by the exit rule at T = 1 for that tier.
//   - A view's accuracy alone: its device's own exit in the joint network. The
//     paper's individual accuracy (section III-F) is that of a network trained for
//     the device alone.
//   - Exit share: of all samples, those without a view included, the share that an
//     exit answers. The shares of all exits, "none" among them, sum to 1.
//   - Payload: what devices send up, section III-E: the scores of each seen view, and
//     its features where the sample is sent up. Unseen views send nothing. Per seen
//     view is the mean over seen views; per device is the mean over samples times
//     views, the paper's "device per sample".
//   - Balanced accuracy: the mean of the recalls of the classes that occur.
//   - Growth: the views one by one, from the one that alone answers the smallest share of
//     all samples rightly to the best (figure 8 of the paper).
//   - By number of views: an exit is judged on every labelled sample with each subset of
//     that many of the views that it sees, all of which weigh 1 together, as calibration
//     does. Intervals count the samples, not their subsets, which are not independent.
//   - Intervals: Wilson's score interval at 95 % (Wilson, Probable inference, the law
//     of succession, and statistical inference, JASA 22, 1927).
//
// A figure of nothing (a share of no samples) is NaN, and null in JSON.
//
// # Guarantees
//
// Results depend on the network, the samples and the thresholds, not on the number of
// processors nor, but for the last digit of an interval, on the architecture.
//
// # Limits
//
// Every set of missing views is tried up to [ExhaustiveViews] views. With more, every
// single view and every pair still is, and of larger sets a fixed random choice.
package evaluation
