package secret

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
)

// openSecret is what the open mesh is derived from: published here, known to all.
const openSecret = "ganglion open mesh v1: anybody on this network may join"

// fingerprintBytes are the derived bytes of a fingerprint.
const fingerprintBytes = 5

// Fingerprint names a mesh in public: 8 characters of a-z and 2-7. Two meshes share
// one by chance once in 10^12; it authenticates nothing.
type Fingerprint string

// Keys is what a mesh's nodes share. It is safe to copy; keep it as private as the
// token.
type Keys struct {
	Network     [32]byte // the pre-shared key of libp2p's private network
	Beacon      [32]byte // the HMAC-SHA256 key of discovery beacons
	Fingerprint Fingerprint
}

// Keys derives the keys of the token's mesh.
func (t Token) Keys() Keys { return derive(t.secret[:]) }

// OpenKeys returns the keys of the open mesh, which everybody has: it is private to
// nobody.
func OpenKeys() Keys { return derive([]byte(openSecret)) }

func derive(secret []byte) Keys {
	var k Keys
	copy(k.Network[:], expand(secret, "ganglion v1 private network", len(k.Network)))
	copy(k.Beacon[:], expand(secret, "ganglion v1 beacon", len(k.Beacon)))
	k.Fingerprint = Fingerprint(encoding().EncodeToString(expand(secret, "ganglion v1 fingerprint", fingerprintBytes)))
	return k
}

func expand(secret []byte, info string, size int) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, info, size)
	if err != nil {
		// Sizes and hash are constants above.
		panic(fmt.Sprintf("secret: derive %q: %v", info, err))
	}
	return key
}

// IsOpen tells whether these are the keys of the open mesh.
func (k Keys) IsOpen() bool { return k == OpenKeys() }

// Format writes the fingerprint, whatever the verb.
func (k Keys) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keys of mesh "+string(k.Fingerprint))
}

// LogValue is the fingerprint.
func (k Keys) LogValue() slog.Value { return slog.StringValue(string(k.Fingerprint)) }
