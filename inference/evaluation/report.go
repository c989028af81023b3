package evaluation

// Report is what an evaluation found. Its JSON is stable: keys are added, never
// renamed. Shares and accuracies are in 0 to 1; figures of nothing are null. See the
// package's definitions.
type Report struct {
	Samples    int `json:"samples"`    // evaluated
	NoView     int `json:"no_view"`    // of them without a view left
	Unlabelled int `json:"unlabelled"` // of them with a view left but no label

	Bundle         string `json:"bundle"`          // ID
	CalibratedFor  string `json:"calibrated_for"`  // what its thresholds were chosen for
	SyntheticModel bool   `json:"synthetic_model"` // it was trained on rendered views
	Data           string `json:"data"`            // name of the data set
	DataHash       string `json:"data_hash"`       // hexadecimal
	Synthetic      bool   `json:"synthetic"`       // the data was rendered, not photographed
	Split          string `json:"split"`           // "test", "all" or "frames"
	Frames         string `json:"frames"`          // of the samples, as ranges

	Classes []string `json:"classes"`
	Views   []string `json:"views"`

	// Thresholds is T by exit and number of views seen.
	Thresholds map[string]map[string]float64 `json:"thresholds"`

	Accuracy  Accuracy            `json:"accuracy"`
	Intervals map[string]Interval `json:"intervals"` // of overall and of every exit's accuracy, by key of Accuracy
	Baselines Baselines           `json:"baselines"`

	Exits        map[string]Number       `json:"exits"`         // share of samples by exit, "none" included
	ExitAccuracy map[string]ExitAccuracy `json:"exit_accuracy"` // of the samples that exited there

	PayloadPerSeenView Number `json:"payload_bytes_per_seen_view"`
	PayloadPerDevice   Number `json:"payload_bytes_per_device"` // per sample and view, seen or not
	RawBytesPerView    int    `json:"raw_bytes_per_view"`

	Devices    []DeviceAccuracy `json:"devices"`
	Sweep      []SweepRow       `json:"sweep"`      // one T for every exit and number of views
	Calibrated Point            `json:"calibrated"` // with the thresholds of the bundle

	Missing        []Missing        `json:"missing"`          // by set of missing views, smaller sets first
	MissingByCount []MissingByCount `json:"missing_by_count"` // by number of missing views

	Nodes  []Missing `json:"nodes,omitempty"` // by node that is lost, where some have several views
	Growth []Growth  `json:"growth"`          // views added one by one, from the worst to the best

	ExitQuality []ExitQuality `json:"exit_quality"` // by exit and number of views

	PerClass  []ClassFigures `json:"per_class"`
	Confusion [][]int        `json:"confusion"` // [label][class], samples with a view left
}

// Accuracy is accuracy over the samples with a view left and a label.
type Accuracy struct {
	Overall  Number  `json:"overall"`        // by the exit rule
	Local    Number  `json:"local"`          // if every sample exited locally
	Edge     *Number `json:"edge,omitempty"` // if every sample exited at an edge
	Cloud    Number  `json:"cloud"`          // if every sample went to the last exit
	Balanced Number  `json:"balanced"`       // mean recall of the classes that occur, by the exit rule
}

// Baselines is what the network must beat: accuracy over the same samples without
// looking at a picture. Both are learned on the samples of the data set that were
// not evaluated; where all were, on the evaluated ones themselves, in their favour.
type Baselines struct {
	Majority      Number `json:"majority"`       // always the most frequent class
	Presence      Number `json:"presence"`       // the most frequent class of samples seen by the same views
	MajorityClass string `json:"majority_class"` //
	Learned       int    `json:"learned"`        // samples that they were learned on
	InSample      bool   `json:"in_sample"`      // learned on the evaluated samples
}

// ExitAccuracy is the accuracy of the samples that the exit rule answered at one
// exit.
type ExitAccuracy struct {
	Samples  int      `json:"samples"` // with a label
	Accuracy Number   `json:"accuracy"`
	Interval Interval `json:"interval"`
}

// DeviceAccuracy is one view alone: the class of its own scores against the label
// of the view.
type DeviceAccuracy struct {
	View          int      `json:"view"` // from 0
	Name          string   `json:"name"`
	Samples       int      `json:"samples"`  // in which the view sees something and has a label
	Accuracy      Number   `json:"accuracy"` // over these; null where devices have no exit
	Interval      Interval `json:"interval"`
	OfAllAccuracy Number   `json:"of_all_samples"` // over all labelled samples: one that the view does not see is not answered
	OfAllInterval Interval `json:"of_all_interval"`
}

// SweepRow is one T of the sweep.
type SweepRow struct {
	T float64 `json:"t"`
	Point
}

// Left is what a network makes of the views that are left.
type Left struct {
	Samples       int      `json:"samples"` // evaluated
	NoView        int      `json:"no_view"` // of them without a view left
	Overall       Number   `json:"overall"` // over those with a view left, by the exit rule
	Interval      Interval `json:"interval"`
	Answered      Number   `json:"answered"`       // of all labelled samples, those with a view left
	OfAll         Number   `json:"of_all_samples"` // over all labelled samples: one without a view left is not answered
	OfAllInterval Interval `json:"of_all_interval"`
	Local         Number   `json:"local"`          // over those with a view left, if every sample exited locally
	Edge          *Number  `json:"edge,omitempty"` // if every sample exited at an edge
	Cloud         Number   `json:"cloud"`          // if every sample went to the last exit
	LocalExit     Number   `json:"local_exit"`     // share of samples that exit locally
}

// Missing is what is left without some views.
type Missing struct {
	Views []int `json:"views"` // missing, from 0
	Left
}

// Growth is what a network makes of some views, the last of which was just added.
type Growth struct {
	Added int    `json:"added"` // the view that was added, from 0
	Name  string `json:"name"`  // its name
	Views []int  `json:"views"` // all that are there, in the order in which they were added
	Alone Number `json:"alone"` // the added view's own exit, of all samples; see DeviceAccuracy
	Left
}

// ExitQuality is how far one exit is to be trusted, over labelled samples that come
// to it. By number of views a sample counts with each subset of its views of that
// size (of many samples, with some that are drawn), all of which weigh 1 together; so
// samples are sums of weights.
type ExitQuality struct {
	Exit      string          `json:"exit"`
	Seen      int             `json:"seen"`    // views that the exit rests on; 0: the samples with all their views
	Samples   Number          `json:"samples"` // that come to the exit
	T         *float64        `json:"t"`       // threshold; null for all numbers of views
	ExitShare Number          `json:"exit_share"`
	Exited    WeighedAccuracy `json:"exited"`   // answered here
	SentUp    WeighedAccuracy `json:"sent_up"`  // answered above: by the exit rule, in the end
	Withheld  Number          `json:"withheld"` // accuracy that those sent up would have had here

	// CalibrationError is the expected calibration error: the mean distance of
	// confidence and accuracy over the bins of Reliability, by their samples (Guo,
	// Pleiss, Sun, Weinberger, On calibration of modern neural networks, ICML 2017).
	CalibrationError Number           `json:"calibration_error"`
	Reliability      []ReliabilityBin `json:"reliability"`
	Entropy          []EntropyBin     `json:"entropy"`
}

// WeighedAccuracy is the accuracy of some of the samples that come to an exit.
type WeighedAccuracy struct {
	Samples  Number   `json:"samples"`
	Accuracy Number   `json:"accuracy"`
	Interval Interval `json:"interval"`
}

// ReliabilityBin is the answers of an exit whose confidence, the largest
// probability, is in a range.
type ReliabilityBin struct {
	From       Number   `json:"from"`
	To         Number   `json:"to"`
	Samples    Number   `json:"samples"`
	Confidence Number   `json:"confidence"` // mean
	Accuracy   Number   `json:"accuracy"`
	Interval   Interval `json:"interval"`
}

// EntropyBin is the answers of an exit whose normalized entropy is in a range, in
// samples.
type EntropyBin struct {
	From  Number `json:"from"`
	To    Number `json:"to"`
	Right Number `json:"right"`
	Wrong Number `json:"wrong"`
}

// MissingByCount sums up the sets of as many missing views.
type MissingByCount struct {
	Missing       int      `json:"missing"` // views
	Sets          int      `json:"sets"`    // sets of views that were tried
	Sampled       bool     `json:"sampled"` // the sets are a random choice, not all
	Mean          Number   `json:"mean"`    // of the sets' accuracies
	Best          Number   `json:"best"`    // the largest of the sets' accuracies
	Worst         Number   `json:"worst"`   // the least of the sets' accuracies
	WorstInterval Interval `json:"worst_interval"`
	WorstViews    []int    `json:"worst_views"` // its missing views
	NoView        Number   `json:"no_view"`     // mean share of samples without a view left
}

// ClassFigures is one class of the answers by the exit rule.
type ClassFigures struct {
	Class     string   `json:"class"`
	Samples   int      `json:"samples"`   // with this label and a view left
	Recall    Number   `json:"recall"`    // of these, answered with this class
	Interval  Interval `json:"interval"`  // of the recall
	Precision Number   `json:"precision"` // of those answered with this class, labelled so
}
