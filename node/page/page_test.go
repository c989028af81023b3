package page

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// get asks the handler for a path.
func get(t *testing.T, h http.Handler, method, at string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, at, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A browser runs a module only if it is served as a script, and asks again for one that it has.
func TestHandler(t *testing.T) {
	h := Handler()
	for _, tt := range []struct {
		name, method, at, header string
		status                   int
		contentType              string
	}{
		{"the page", "GET", "/", "", 200, "text/html; charset=utf-8"},
		{"its head alone", "HEAD", "/", "", 200, "text/html; charset=utf-8"},
		{"a module", "GET", "/page/script/main.mjs", "", 200, "text/javascript; charset=utf-8"},
		{"a style sheet", "GET", "/page/style/map.css", "", 200, "text/css; charset=utf-8"},
		{"the icon", "GET", "/page/icon.svg", "", 200, "image/svg+xml"},
		{"written to", "POST", "/", "", 405, "text/plain; charset=utf-8"},
		{"nothing", "GET", "/page/script/none.mjs", "", 404, "text/plain; charset=utf-8"},
		{"a folder", "GET", "/page/script/", "", 404, "text/plain; charset=utf-8"},
		{"out of it", "GET", "/page/../page.go", "", 404, "text/plain; charset=utf-8"},
		{"its source", "GET", "/page/index.html", "", 404, "text/plain; charset=utf-8"},
	} {
		w := get(t, h, tt.method, tt.at)
		if w.Code != tt.status || w.Header().Get("Content-Type") != tt.contentType {
			t.Errorf("%s: status %d, type %q; want %d, %q", tt.name, w.Code, w.Header().Get("Content-Type"), tt.status, tt.contentType)
		}
	}
	first := get(t, h, "GET", "/")
	if again := get(t, h, "GET", "/", "If-None-Match", first.Header().Get("Etag")); again.Code != http.StatusNotModified || first.Header().Get("Etag") == "" {
		t.Errorf("asked for again: status %d, tag %q; want 304 and one", again.Code, first.Header().Get("Etag"))
	}
}

// embedded is every file of a sort, by name.
func embedded(t *testing.T, extensions ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(static, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for _, extension := range extensions {
			if path.Ext(name) == extension {
				content, err := static.ReadFile(name)
				if err != nil {
					return err
				}
				out[name] = string(content)
			}
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no files: %v", err)
	}
	return out
}

// What the page refers to is there: a module that is missing is a blank page in every browser.
func TestReferences(t *testing.T) {
	files := load()
	reference := regexp.MustCompile(`(?:src|href)="(page/[^"]+)"|from '\./([^']+)'`)
	for name, content := range embedded(t, ".html", ".mjs") {
		for _, found := range reference.FindAllStringSubmatch(content, -1) {
			at := "/" + found[1]
			if found[2] != "" {
				at = Prefix + "script/" + found[2]
			}
			if files[at] == nil {
				t.Errorf("%s refers to %s, which is not served", name, at)
			}
		}
	}
}

// Every module is named in the document, so that a browser asks for all of them at once and not
// for each when it has read who imports it.
func TestPreloaded(t *testing.T) {
	html := embedded(t, ".html")["static/index.html"]
	for name := range embedded(t, ".mjs") {
		if at := "page" + strings.TrimPrefix(name, "static"); strings.Count(html, `="`+at+`"`) != 1 {
			t.Errorf("index.html does not name %s, or twice", at)
		}
	}
}

// The page is safe whatever a mesh says, because it has no way to be otherwise: nothing makes
// HTML or code of text, nothing stands in the document that a strict policy refuses, and nothing
// is fetched from elsewhere.
func TestNothingUnsafe(t *testing.T) {
	for what, pattern := range map[string]*regexp.Regexp{
		"HTML is made of text":       regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|setHTML`),
		"code is made of text":       regexp.MustCompile(`\beval\b|new Function|setTimeout\(['"]|javascript:`),
		"a style attribute is set":   regexp.MustCompile(`setAttribute\([^)]*['"]style['"]|cssText|\bstyle:\s`),
		"something is kept for ever": regexp.MustCompile(`localStorage|indexedDB|document\.cookie`),
	} {
		for name, content := range embedded(t, ".mjs", ".js") {
			if found := pattern.FindString(content); found != "" {
				t.Errorf("%s: %s: %s", name, what, found)
			}
		}
	}
	html := embedded(t, ".html")["static/index.html"]
	for what, pattern := range map[string]*regexp.Regexp{
		"an inline script":   regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]`),
		"an inline style":    regexp.MustCompile(`<style|\sstyle=`),
		"an inline listener": regexp.MustCompile(`\son[a-z]+=`),
	} {
		if found := pattern.FindString(html); found != "" {
			t.Errorf("index.html has %s: %s", what, found)
		}
	}
	elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z0-9.-]+`)
	for name, content := range embedded(t, ".html", ".mjs", ".js", ".css", ".svg") {
		for line := range strings.Lines(content) {
			comment := strings.HasPrefix(strings.TrimSpace(line), "//")
			if found := elsewhere.FindString(line); found != "" && !comment && !strings.Contains(line, "xmlns=") {
				t.Errorf("%s names an address elsewhere: %s", name, found)
			}
		}
	}
}

// Files stay small, as those of the rest of the house.
func TestSizes(t *testing.T) {
	for name, content := range embedded(t, ".html", ".mjs", ".js", ".css") {
		if lines := strings.Count(content, "\n"); lines > 500 {
			t.Errorf("%s has %d lines, more than 500: it holds more than one idea", name, lines)
		}
	}
}
