// Package source is where a node's pictures come from.
//
// # Kinds
//
// A source is named by a [Spec], which people write as text:
//
//	street                      replay of the built-in scene
//	street:samples=90,seed=7    another such scene
//	replay:/path/set.npz        replay of a data set that package dataset reads
//	image:/path/a.png           one picture, read anew when it changes
//	folder:/path                a folder into which a camera writes pictures
//	street@camera2              any of them, for the view of that name or number
//
// A [Replay] is a pure function of the beat: its list is the samples of a split,
// ascending, and beat b shows list[b mod len(list)]. So no cursor needs handing over,
// and a replay that is late shows exactly what it would have shown in time. The split
// "test" is what the bundle remembers of the data set that it was trained on; of any
// other data it is every sample, and a line of the log says so. Two replays show the
// same at a beat if and only if their [Replay.Data] and [Replay.Split] agree.
//
// A [Camera] is live: it knows neither what is seen nor which sample it is. In a folder
// the picture that was changed last is what the camera sees; of equal times the longer
// name, then the later in the alphabet. Names that begin with a dot, and names that do
// not end in .png, .jpg or .jpeg, are passed over, so that a writer may put a file
// aside and rename it. Where no picture is there, nothing is in view.
//
// # Half-written files
//
// A picture is taken once it decodes and did not change while it was read. Until then
// the last good one stays; it is tried again at each change. After 3 s of failure the
// log says so once, and [Camera.Trouble] until it is over. A camera that has no good
// picture yet has a fault, which is not the same as nothing in view.
//
// # Concurrency
//
// Run blocks; Pixels, Fit and the other methods may be called meanwhile from any
// goroutine and never wait for a file. Pixels must not be written to.
//
// # Limits
//
// Of a replay the pixels of its list are in memory, and while it loads the whole data
// set. Changes are noticed at once where the file system tells them (fsnotify), within
// a second where it cannot be watched, and within ten where it only seems to be, as on
// network file systems. A folder is listed as a whole now and then: keep it under some
// ten thousand files. A picture may have 64 million pixels and 64 MiB; its orientation
// tag is not looked at. Streams and video devices are not read: have a program write
// their pictures to a folder.
package source
