package builtin

import (
	_ "embed"
	"fmt"

	"ganglion/inference"
)

//go:embed street.ganglion
var street []byte

// Name is what the model is called where a file's name would stand.
const Name = "builtin"

// Bundle is the embedded bundle. An error means that the program was built from
// damaged files.
func Bundle() (*inference.Bundle, error) {
	b, err := inference.DecodeBundle(append([]byte(nil), street...))
	if err != nil {
		return nil, fmt.Errorf("read the embedded model: %w", err)
	}
	return b, nil
}
