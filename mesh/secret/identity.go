package secret

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// pemType heads the file of an identity.
const pemType = "PRIVATE KEY"

// Identity is a node's own key pair. The zero Identity is none and must not be used.
// It is safe for concurrent use.
type Identity struct {
	id  MemberID
	key ed25519.PrivateKey
}

// NewIdentity makes an identity that lives in memory alone.
func NewIdentity() (Identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Identity{}, fmt.Errorf("make identity: %w", err)
	}
	return identityOf(key)
}

// LoadIdentity returns the identity that is kept in the file, and makes one first
// where there is no such file (created). The folder must exist.
func LoadIdentity(path string) (id Identity, created bool, err error) {
	data, created, err := loadOrCreate(path, func() ([]byte, error) {
		id, err := NewIdentity()
		if err != nil {
			return nil, err
		}
		return id.encode()
	})
	if err != nil {
		return Identity{}, false, fmt.Errorf("load identity: %w", err)
	}
	id, err = decodeIdentity(data)
	if err != nil {
		return Identity{}, false, fmt.Errorf("load identity %s: %w; remove the file to get a new identity", path, err)
	}
	return id, created, nil
}

// LoadToken returns the token that is kept in the file, or the zero Token where there
// is no such file.
func LoadToken(path string) (Token, error) {
	data, err := readPrivate(path)
	if errors.Is(err, os.ErrNotExist) {
		return Token{}, nil
	}
	if err != nil {
		return Token{}, fmt.Errorf("load token: %w", err)
	}
	t, err := ParseToken(string(data))
	if err != nil {
		return Token{}, fmt.Errorf("load token %s: %w", path, err)
	}
	return t, nil
}

// KeepToken writes the token to a new file, readable by its owner alone. Where the
// file is there already it stays as it is, and the token in it is returned instead:
// of two processes that make a token at once, both go on with the same.
func KeepToken(path string, t Token) (Token, error) {
	data, _, err := loadOrCreate(path, func() ([]byte, error) { return []byte(t.Reveal() + "\n"), nil })
	if err != nil {
		return Token{}, fmt.Errorf("keep token: %w", err)
	}
	kept, err := ParseToken(string(data))
	if err != nil {
		return Token{}, fmt.Errorf("keep token %s: it holds something else: %w", path, err)
	}
	return kept, nil
}

func identityOf(key ed25519.PrivateKey) (Identity, error) {
	private, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("derive member ID: %w", err)
	}
	id, err := peer.IDFromPrivateKey(private)
	if err != nil {
		return Identity{}, fmt.Errorf("derive member ID: %w", err)
	}
	return Identity{id: MemberID(id.String()), key: key}, nil
}

// encode returns the contents of the identity's file.
func (i Identity) encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		return nil, fmt.Errorf("encode identity: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

func decodeIdentity(data []byte) (Identity, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != pemType {
		return Identity{}, errors.New("not a private key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		// Its text may hold bytes of the key.
		return Identity{}, errors.New("not a private key in PKCS #8")
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return Identity{}, errors.New("not an Ed25519 key")
	}
	return identityOf(private)
}

// ID returns the public half.
func (i Identity) ID() MemberID { return i.id }

// Sign signs the message for a purpose; see the package documentation.
func (i Identity) Sign(purpose string, message []byte) []byte {
	return ed25519.Sign(i.key, signed(purpose, message))
}

// Libp2p returns the key in libp2p's form, for the transport's handshake.
func (i Identity) Libp2p() (crypto.PrivKey, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(i.key)
	if err != nil {
		return nil, fmt.Errorf("convert identity: %w", err)
	}
	return key, nil
}

// Format writes the public half, whatever the verb.
func (i Identity) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "identity "+string(i.id)) }

// LogValue is the public half.
func (i Identity) LogValue() slog.Value { return slog.StringValue(string(i.id)) }
