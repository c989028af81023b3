package capability

import "time"

// epoch is when the program began.
var epoch = time.Now()

// wallTime is monotonic.
func wallTime() time.Duration { return time.Since(epoch) }
