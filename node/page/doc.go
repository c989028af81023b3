// Package page is what a person sees of a node in a browser: one page of hand-written HTML,
// CSS and JavaScript modules, embedded in the binary. It asks the node that serves it over
// the control API (proto/controlpb), draws what that node knows, and fetches nothing from
// anywhere else. Package control serves it and guards it; this package knows neither.
//
// # How it is made
//
// static/index.html is the skeleton, with every text that stands still. The modules below
// static/script have one idea each. Those that decide are pure and have no document, so that
// `node --test` runs them as they are (scripttest):
//
//	connect    the connect protocol: frames, streams, errors
//	watch      one stream after another: backoff, silence, what to say meanwhile
//	model      what is known: answers of Watch folded into one picture of bounded size
//	figures    counts and buckets into shares, rates and percentiles, by the second
//	layout     where each node of the map stands, from members and a width
//	explain    a verdict in sentences
//	thresholds the text of a setting, and what a slider means
//	format     numbers, times and foreign text for people
//	frames     what is drawn in which animation frame
//
// The others draw: each takes the model and owns one part of the document.
//
// # What it holds to
//
// What comes from the network is put in as text, never as HTML; characters that reorder or
// hide text are shown as such. No script and no style stands in the HTML and none is made of
// text, so that the strictest Content-Security-Policy allows it. Drawing happens in animation
// frames, what is large in slices, a few milliseconds in each; what moves is on a canvas of its
// own, and a part is drawn where what it shows has changed. Lists are virtual, rings bounded: an
// hour open costs what a minute does. A page that is hidden for a minute lets go of its stream,
// for a browser has six connections for all pages of one node.
//
// # Limits
//
// It is for browsers since 2022; older ones are told so. A browser holds about five pages of
// one node open at once over HTTP/1.1. The pictures of a sample are shown where the node may
// have them: a live camera's are its own node's.
package page
