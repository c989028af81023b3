package membership

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"

	"google.golang.org/protobuf/proto"
)

// encodeState returns what goes with a push/pull: the own record and all settings and,
// when joining, the others' records that fit.
func (m *Membership) encodeState(join bool) []byte {
	settings := m.settings.signed()
	state := &wirepb.MembershipState{Records: []*wirepb.SignedRecord{m.own.signed()}, Settings: settings}
	if join {
		room := StateBytesMax - SettingsBytesMax - SettingsMax*16 - 2*recordBytesMax
		state.Records = append(state.Records, m.roster.signedRecords(room)...)
	}
	data, err := proto.Marshal(state)
	if err != nil {
		m.log.Error("membership state could not be encoded", "error", err)
		return nil
	}
	return data
}

// decodeState checks the form of what a peer sent; the signatures are checked where
// it is taken over.
func decodeState(data []byte) (*wirepb.MembershipState, error) {
	if len(data) > StateBytesMax {
		return nil, fmt.Errorf("decode state: %d bytes, at most %d are allowed: %w", len(data), StateBytesMax, ErrMalformed)
	}
	var state wirepb.MembershipState
	if err := unmarshal("state", data, &state); err != nil {
		return nil, err
	}
	return &state, checkState(&state)
}

func checkState(state *wirepb.MembershipState) error {
	if n := len(state.GetRecords()); n > MembersMax {
		return fmt.Errorf("decode state: %d records, at most %d are allowed: %w", n, MembersMax, ErrMalformed)
	}
	if n := len(state.GetSettings()); n > SettingsMax {
		return fmt.Errorf("decode state: %d settings, at most %d are allowed: %w", n, SettingsMax, ErrMalformed)
	}
	return nil
}

// mergeState takes over what is news in what a peer sent. From is empty where
// memberlist does not tell.
func (m *Membership) mergeState(from MemberID, state *wirepb.MembershipState) {
	for _, r := range state.GetRecords() {
		if err := m.takeRecord(r); err != nil {
			m.faults.count(from, faultRecord, err)
		}
	}
	if err := m.settings.merge(state.GetSettings()); err != nil {
		m.faults.count(from, faultSetting, err)
	}
}

// takeRecord judges a record that came with something else. That it is old is no
// fault.
func (m *Membership) takeRecord(r *wirepb.SignedRecord) error {
	id, err := secret.ParseMemberID(r.GetMember())
	if err != nil {
		return fmt.Errorf("take record: %w: %w", ErrMalformed, err)
	}
	if id == m.identity.ID() {
		again, err := m.own.heardRecord(r.GetRecord())
		if again {
			wake(m.republish)
		}
		return err
	}
	record, err := m.roster.received(id, r.GetRecord())
	if errors.Is(err, ErrStale) {
		return nil
	}
	if err != nil || record == nil {
		return err
	}
	if err := m.book.AddAddresses(id, record.Addresses, addressTTL); err != nil {
		m.log.Debug("addresses were not kept", "peer", string(id), "error", err)
	}
	return nil
}

// requestBytesMax is the longest request: news is one setting, or a whole state.
const requestBytesMax = StateBytesMax + 1024

// replyBytesMax is the longest reply: one record.
const replyBytesMax = recordBytesMax + 1024

// exchange does one exchange on a stream of records.
func (m *Membership) exchange(ctx context.Context, peer MemberID, request *wirepb.RecordsRequest) (*wirepb.RecordsReply, error) {
	ctx, cancel := context.WithTimeout(ctx, m.config.StreamTimeout)
	defer cancel()
	s, err := m.network.Open(ctx, peer, recordsProtocol)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { reset(s) })
	defer stop()
	reply := &wirepb.RecordsReply{}
	err = writeMessage(s, request)
	if err == nil {
		err = readMessage(s, replyBytesMax, "reply", reply)
	}
	if err != nil {
		reset(s)
		return nil, fmt.Errorf("exchange records with %s: %w", peer, err)
	}
	return reply, s.Close()
}

// serve answers one exchange.
func (m *Membership) serve(peer MemberID, s net.Conn) {
	select {
	case m.serving <- struct{}{}:
		defer func() { <-m.serving }()
	default:
		reset(s)
		return
	}
	err := s.SetDeadline(time.Now().Add(m.config.StreamTimeout))
	var request wirepb.RecordsRequest
	if err == nil {
		err = readMessage(s, requestBytesMax, "request", &request)
	}
	if err == nil {
		err = checkState(request.GetState())
	}
	if err != nil {
		if isMalformed(err) {
			m.faults.count(peer, faultRecord, err)
		}
		reset(s)
		return
	}
	member, err := m.roster.know(peer, time.Now())
	switch {
	case errors.Is(err, ErrDenied):
		reset(s)
		return
	case err == nil && !member:
		wake(m.joinNow) // it knows us, and we had not heard of it
	}
	if request.GetState() != nil {
		m.mergeState(peer, request.GetState())
	}
	if err := writeMessage(s, &wirepb.RecordsReply{Record: m.recordOf(MemberID(request.GetMember()))}); err != nil {
		reset(s)
		return
	}
	_ = s.Close() // the peer has its answer, or asks again
}

func (m *Membership) recordOf(id MemberID) *wirepb.SignedRecord {
	if id == m.identity.ID() {
		return m.own.signed()
	}
	return m.roster.signedRecord(id)
}

const messageLenBytes = 4

func writeMessage(w io.Writer, message proto.Message) error {
	data, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, messageLenBytes), message)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	binary.BigEndian.PutUint32(data, uint32(len(data)-messageLenBytes))
	_, err = w.Write(data)
	return err
}

// readMessage reads one of at most maxBytes. Room is made as bytes arrive.
func readMessage(r io.Reader, maxBytes int, what string, into proto.Message) error {
	var length [messageLenBytes]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(length[:])
	if uint64(n) > uint64(maxBytes) {
		return fmt.Errorf("read %s: %d bytes, at most %d are allowed: %w", what, n, maxBytes, ErrMalformed)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return err
	}
	if uint64(len(data)) < uint64(n) {
		return io.ErrUnexpectedEOF
	}
	return unmarshal(what, data, into)
}
