package node_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"ganglion/mesh/secret"
	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// secrets is what a node must tell nobody, by name, in every form in which it might slip out.
func secrets(t *testing.T, dir, meshToken, apiToken string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"the API's token": []byte(apiToken)}
	token, err := secret.ParseToken(meshToken)
	if err != nil {
		t.Fatal(err)
	}
	out["the mesh's token"] = []byte(meshToken)
	out["part of the mesh's token"] = []byte(meshToken[10:30])
	file, err := os.ReadFile(filepath.Join(dir, "identity.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(file)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		t.Fatalf("the identity is a %T", parsed)
	}
	out["the identity's file"] = []byte(strings.Split(string(file), "\n")[1])
	keys := token.Keys()
	for what, raw := range map[string][]byte{"the identity's key": key.Seed(), "the network's key": keys.Network[:], "the beacons' key": keys.Beacon[:]} {
		out[what] = raw
		out[what+" in hexadecimal"] = []byte(hex.EncodeToString(raw))
		out[what+" in base64"] = []byte(base64.RawStdEncoding.EncodeToString(raw))
		out[what+" in base64 of addresses"] = []byte(base64.RawURLEncoding.EncodeToString(raw))
	}
	return out
}

// asked is one question to a node over HTTP.
type asked struct {
	name, method, path, kind string
	body                     []byte
}

// everything that a node can be asked: all calls of the API, whatever calls there are, as JSON and
// in binary form, and all that is not a call.
func everythingAsked(sample string) (all []asked) {
	bodies := map[string]string{
		"Verdicts": `{"last":100}`, "Watch": `{"intervalMs":100,"verdicts":32}`, "Events": `{"follow":true}`, "Members": `{"all":true}`,
		"Look": `{"sample":"` + sample + `","view":"camera0"}`, "Set": `{"key":"rate","value":"20"}`, "StartRun": `{"periodNs":"50000000","count":"5"}`,
	}
	service := controlpb.File_controlpb_control_proto.Services().Get(0)
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		name, path := string(m.Name()), "/"+string(service.FullName())+"/"+string(m.Name())
		body := bodies[name]
		if body == "" {
			body = "{}"
		}
		if !m.IsStreamingServer() {
			all = append(all, asked{name, http.MethodPost, path, "application/json", []byte(body)}, asked{name, http.MethodPost, path, "application/proto", nil})
			continue
		}
		frame := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(b))), b...) }
		all = append(all, asked{name, http.MethodPost, path, "application/connect+json", frame([]byte(body))},
			asked{name, http.MethodPost, path, "application/connect+proto", frame(nil)})
	}
	for _, path := range []string{"/", "/page/script/main.mjs", "/metrics", "/look?sample=" + sample + "&view=camera0", "/nothing"} {
		all = append(all, asked{path, http.MethodGet, path, "", nil})
	}
	return all
}

// TestNoSecretInAnyAnswer: who may ask a node, and who may not, is told no token and no key by any
// call, in any form. It asks whatever there is to ask, so a call that is new is asked too.
func TestNoSecretInAnyAnswer(t *testing.T) {
	const apiToken = "correct-horse-battery-staple"
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "api-token")
	if err := os.WriteFile(path, []byte(apiToken), 0o600); err != nil {
		t.Fatal(err)
	}
	m := nodetest.Start(t, nodetest.Device(street, "0", "1"), nodetest.Configure(func(c *node.Config) {
		c.APITokenFile, c.Dir, c.AllowChaos = path, dir, true
	}))
	name := m.Names()[0]
	api := m.Node(name).API()
	var status *controlpb.StatusResponse
	m.Await(t.Context(), "a run begins", func() bool {
		_, err := api.StartRun(t.Context(), &controlpb.StartRunRequest{PeriodNs: int64(10 * time.Millisecond)})
		return err == nil
	})
	m.Await(t.Context(), "there are verdicts", func() bool {
		var err error
		status, err = api.Status(t.Context(), &controlpb.StatusRequest{})
		return err == nil && status.GetTally().GetDecided() > 20
	})
	sample := status.GetRun().GetSite() + "/" + status.GetRun().GetRun() + "/7"
	hidden := secrets(t, dir, m.Token(), apiToken)
	answers := map[string]int{}
	for _, token := range []string{apiToken, "", "wrong-" + apiToken[:10]} {
		for _, q := range everythingAsked(sample) {
			code, answer := answerTo(t, status.GetApi(), token, q)
			answers[q.name] += len(answer)
			for what, bytesOf := range hidden {
				if bytes.Contains(answer, bytesOf) {
					t.Errorf("%s (%s), answered %d, tells %s", q.name, q.kind, code, what)
				}
			}
			open := q.path == "/" || strings.HasPrefix(q.path, "/page/")
			if token != apiToken && !open && (code != http.StatusUnauthorized || bytes.Contains(answer, []byte(status.GetPeer()))) {
				t.Errorf("%s (%s) without the token is answered %d: %.200s", q.name, q.kind, code, answer)
			}
			if token == apiToken && code == http.StatusUnauthorized {
				t.Errorf("%s (%s) with the token is answered %d", q.name, q.kind, code)
			}
		}
	}
	for _, of := range []protoreflect.Name{"Status", "Watch", "Members", "Verdicts", "Look", "Bundle"} {
		if answers[string(of)] < 1000 {
			t.Errorf("%s was answered with %d bytes: nothing is looked through", of, answers[string(of)])
		}
	}
}

// answerTo is what a node answers; of a stream that does not end what comes in half a second.
func answerTo(t *testing.T, address, token string, q asked) (code int, answer []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, q.method, "http://"+address+q.path, bytes.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", q.kind)
	r.Header.Set("Accept", "text/html, */*")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s: %v", q.name, err)
	}
	defer response.Body.Close()
	if strings.HasPrefix(q.kind, "application/connect") {
		const long = 500 * time.Millisecond
		defer time.AfterFunc(long, cancel).Stop()
	}
	for name, values := range response.Header {
		answer = append(answer, name+": "+strings.Join(values, ",")+"\n"...)
	}
	body, _ := io.ReadAll(response.Body) // what has come until then
	return response.StatusCode, append(answer, body...)
}
