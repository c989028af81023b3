package browsertest

import (
	"strings"
	"testing"

	"ganglion/proto/controlpb"
)

// hostile are names that would be something else, if they were anything but text.
func hostile() []string {
	return []string{
		`<img src=x onerror="window.broken=1">`,
		`"><script>window.broken=1</script>`,
		"\u202egnorw\u202c \u0000\u200b\ufeff",
		"__proto__",
		"constructor",
		strings.Repeat("long ", 60),
		"${window.broken=1}",
		"';window.broken=1;//",
	}
}

// TestHostileNames has everything that a mesh may name be an attack. Names come from whoever
// has the mesh's token, and the page is opened by somebody who may do harm with it.
func TestHostileNames(t *testing.T) {
	m := newMesh(12, 1, 8, 10)
	f := serve(t, m)
	f.change(func(f *feed, m *mesh) {
		names := hostile()
		for i, one := range m.members {
			one.Name = names[i%len(names)]
			one.Roles = append(one.Roles, names[(i+1)%len(names)])
			one.Addresses, one.Version, one.Site = names, names[0], names[1]
			if len(one.GetViews()) > 0 {
				one.Views = []string{names[i%len(names)]}
			}
		}
		m.status.Name, m.status.Mesh, m.status.Views, m.status.Classes = names[0], names[1], names, names[:3]
		m.status.Warnings = names
		for _, kind := range append(names, "joined", "down", "warning") {
			m.tell(kind, names[0], "peer", names[1], "name", names[2])
		}
		for _, text := range names {
			f.findings = append(f.findings, &controlpb.Finding{Code: text, Text: text, Mend: text, Grave: true})
		}
		m.hidden[names[0]] = true
	})
	b := start(t).open(t, f.url, desk())
	b.await("a verdict", deskReady)
	b.await("nodes", `document.querySelectorAll('.node').length === 12`)
	b.do(`document.querySelector('.node').click()`)
	b.await("the panel", `document.querySelector('#node-name')`)
	b.do(`document.querySelector('#health').click()`)
	b.await("the check-up", `document.querySelectorAll('#checkup li').length >= 8`)
	b.do(`document.querySelector('#checkup').close(); document.querySelector('.verdict:not([hidden])').click()`)
	b.await("the explanation", `document.querySelector('#explain').open`)
	b.await("charts", `document.querySelector('#chart-links .key').textContent.length > 8`)
	if got := b.value(`window.broken`); got != "undefined" {
		t.Error("a name was run as code")
	}
	if got := b.value(`document.querySelectorAll('main script, dialog script, img:not([src^="blob:"]):not([src$="icon.svg"])').length`); got != "0" {
		t.Errorf("%s elements were made of names", got)
	}
	text := b.value(`document.body.innerText + [...document.querySelectorAll('dialog')].map((d) => d.textContent)`)
	if !strings.Contains(text, `<img src=x onerror=`) {
		t.Error("the name is not to be read as it is")
	}
	if strings.ContainsAny(text, "\u202e\u200b\x00") {
		t.Error("text that reorders or hides is put in as it is")
	}
	if got := b.value(`document.documentElement.scrollWidth <= innerWidth`); got != "true" {
		t.Error("a long name makes the page wider than the window")
	}
	if got := b.value(`document.documentElement.scrollHeight <= document.querySelector('main').getBoundingClientRect().bottom + scrollY + 2`); got != "true" {
		t.Error("something hangs out below the page")
	}
}
