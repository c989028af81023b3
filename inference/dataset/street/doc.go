// Package street renders a synthetic data set: cars, buses and persons at a
// street corner, each seen by six cameras at once, or by up to eight.
//
// It stands in for photographs where there are none, in demonstrations, examples
// and tests: it needs no files. What is measured with it says nothing about
// photographs, and is labelled synthetic wherever it is shown.
//
// # Concepts
//
// Two roads cross, with pavements, zebra crossings, a building in each quadrant,
// parked cars, trees, poles and kiosks. Six fixed cameras watch, from different
// sides, heights and distances, each with a focal length, colour, noise and focus
// of its own. Objects drive and walk along tracks. In each frame two or three of
// them are followed; what the cameras see of one of them is a sample, so that
// samples of neighbouring frames are near-duplicates, as in reality.
//
// Per sample and camera the object is annotated as a person would do it: not
// where it is behind a building, mostly outside the frame, mostly hidden or very
// small; then nothing is in view. Else the crop around its box, with margins that
// vary, is what the camera delivers: rendered at the resolution that the camera
// has at that distance, exposed for the light of the moment (day, cloud, dusk with
// lamps on), with noise, and enlarged to 32 x 32 whatever its proportions. Size
// and proportions are therefore weak cues, and so is brightness.
//
// # Guarantees
//
// A scene depends on its [Config] alone: not on the architecture, the number of
// processors or the time. All arithmetic is on integers: positions in
// millimetres, directions in fixed point. A larger scene starts with the smaller
// scene of the same seed, and one with more cameras has the same samples: the first six
// see in it what they see in the smaller one.
//
// To look at it:
//
//	go test ./inference/dataset -run StreetGolden -sheet street.png
package street
