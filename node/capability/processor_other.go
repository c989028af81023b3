//go:build !linux && !darwin

package capability

import "os"

// processor names the kind of processor where the system does, as Windows does.
func processor() string { return os.Getenv("PROCESSOR_IDENTIFIER") }
