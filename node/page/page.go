package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static/index.html static/icon.svg static/style/*.css static/script/*.mjs static/script/*.js
var static embed.FS

// Prefix is where the files beside the page itself are served.
const Prefix = "/page/"

// contentTypes of what is embedded. The machine's own table is not asked: it differs.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is one embedded file as it is served.
type file struct {
	content     []byte
	contentType string
	tag         string // ETag, quoted
}

// Handler serves the page at "/" and its files below [Prefix], under the paths at which it is
// mounted: nothing is to be stripped. Files hold no secret and nothing of the node. They are
// asked for again at each visit (Cache-Control no-cache) and answered with 304 where they are
// unchanged. It sets no other header: which pages may ask a node is for the server to say.
func Handler() http.Handler {
	files := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the page is read, not written: use GET", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Etag", f.tag)
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	})
}

// load is every embedded file by the path at which it is served.
func load() map[string]*file {
	files := map[string]*file{}
	err := fs.WalkDir(static, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		at := Prefix + strings.TrimPrefix(name, "static/")
		if name == "static/index.html" {
			at = "/"
		}
		sum := sha256.Sum256(content)
		files[at] = &file{content: content, contentType: contentTypes[path.Ext(name)], tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		return nil
	})
	if err != nil {
		panic(err) // the files are in the binary: they cannot be missing
	}
	return files
}
