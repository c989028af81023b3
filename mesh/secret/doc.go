// Package secret holds what a node must keep to itself and what follows from it:
// the token that makes a mesh, the keys derived from it, and the node's own
// identity.
//
// # Token
//
// A [Token] is 256 random bits that every node of a mesh knows. Who knows it may
// join; who does not cannot read a byte. Its text is for typing and pasting:
//
//	gng1-xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx
//
// The prefix names the version. The 56 characters behind it are the base32 of
// RFC 4648 (a-z, 2-7, no padding) of the 32 secret bytes and 3 bytes of checksum,
// the first of SHA-256("ganglion token v1" + secret). Hyphens and white space
// between the characters mean nothing, nor does their case. What cannot be read is
// refused with a [TokenError] that tells the kind of typing error and its place,
// and never repeats the text.
//
// # Keys
//
// [Token.Keys] derives with HKDF-SHA256 (RFC 5869), the 32 bytes of the token as
// input keying material and no salt:
//
//	info "ganglion v1 private network"  32 bytes  [Keys.Network], libp2p's pre-shared key
//	info "ganglion v1 beacon"           32 bytes  [Keys.Beacon], HMAC-SHA256 of beacons
//	info "ganglion v1 fingerprint"       5 bytes  [Keys.Fingerprint], as 8 characters of base32
//
// The fingerprint is public: beacons carry it in clear, people compare it aloud.
// [OpenKeys] are the keys of the one open mesh: the same derivation from the bytes
// of a published string, thus no secret at all.
//
// # Identity
//
// An [Identity] is an Ed25519 key pair that a node makes at its first start and
// keeps on disk, as PKCS #8 in PEM, readable by its owner alone. The public half is
// the node's [MemberID]: the libp2p peer ID of the key (the identity multihash of
// the key's protobuf), as its base58 text, so that an ID is enough to check a
// signature. A signature says in its first bytes what it is for: it is Ed25519 of
//
//	"ganglion v1 " + purpose + 0x00 + message
//
// so that what was signed for one purpose is worthless for any other.
//
// # Guarantees and limits
//
// Tokens and keys print as their fingerprint with every verb of package fmt and in
// slog, never as themselves; [Token.Reveal] alone gives the text. Files are created
// whole or not at all, and of two processes that create one at once both end with
// the same. A private file that others may read is refused, except on Windows, where
// the mode says nothing about that. Nothing is wiped from memory.
package secret
