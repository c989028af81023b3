package membership

import (
	"crypto/sha256"
	"fmt"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"

	"google.golang.org/protobuf/proto"
)

// The purposes of signatures.
const (
	purposeMeta    = "member meta"
	purposeRecord  = "member record"
	purposeSetting = "setting"
)

// hash is the SHA-256 of a body.
type hash = [sha256.Size]byte

// sign encodes a body and signs it.
func sign(identity secret.Identity, purpose string, body proto.Message) (*wirepb.Signed, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", purpose, err)
	}
	return &wirepb.Signed{Body: encoded, Signature: identity.Sign(purpose, encoded)}, nil
}

// verify tells whether the member signed the body for that purpose.
func verify(member MemberID, purpose string, s *wirepb.Signed) error {
	if !member.Verify(purpose, s.GetBody(), s.GetSignature()) {
		return fmt.Errorf("verify %s of %s: %w", purpose, member, ErrSignature)
	}
	return nil
}

// unmarshal decodes what a peer sent.
func unmarshal(what string, data []byte, into proto.Message) error {
	if err := proto.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decode %s: %w: %w", what, ErrMalformed, err)
	}
	return nil
}
