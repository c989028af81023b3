// Package browsertest shows the page to a real browser, as a person would see it: headless
// Chromium, driven over its DevTools protocol. It holds tests alone.
//
// Most tests have a feed in the place of a node: a handler of the control API that tells of a
// made-up mesh, as large, as fast, as broken and as hostile as a test wants it. Whatever the
// browser's console calls an error fails the test that caused it, a breach of the
// Content-Security-Policy among them. One test has a real mesh of real processes, of which
// one is killed.
//
// Where there is no Chromium the tests skip, and say so; with CI in the environment they fail.
// GANGLION_CHROMIUM names another browser than the chromium or google-chrome of the path. Only
// loopback is spoken to.
//
// Tests say what is drawn, and wait for it. How fast it is drawn is measured where nothing else
// runs: `make measure-page` prints it and holds it to the goals of the page. `make pictures`
// remakes the pictures of docs/pictures.
package browsertest
