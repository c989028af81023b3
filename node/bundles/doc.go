// Package bundles is the bundles that a node has, and how they spread from node to
// node.
//
// # Store
//
// A [Store] always has the embedded bundle. Others come by [Store.Put], which checks
// them, and are kept in a folder, each as ID.ganglion, so that a node that starts anew
// has them; at most [MaxKept], the oldest making room, but never one in use
// ([Store.Use]). A file that was damaged meanwhile is told, removed and not used; one
// of a newer format is told and left alone. Where the disk is full a bundle is used
// from memory all the same: see [UnkeptError].
//
// # Fetching
//
// A bundle's ID is the SHA-256 of its file, so that whom it comes from does not matter.
// [Fetch] asks for chunks of [ChunkBytes], each naming bundle and offset, and
// [Store.Serve] answers:
//
//	ChunkRequest{bundle, offset} --> Chunk{total, data}
//
// The file is first put together from whoever answers: where a peer fails, the next
// goes on at the same offset. Chunks are not proved one by one. So where the whole has
// another hash, and several had a part in it, nobody can say who lied: it is thrown
// away and each peer is asked for all of it, those first that had no part.
//
// # Guarantees
//
// What Fetch returns has the hash that was asked for and was checked by
// inference.DecodeBundle. Nothing is allocated on a peer's word: the file grows as
// bytes arrive, to at most inference.MaxBundleBytes. A chunk is as long as it must be,
// so that no peer can dribble; every peer makes progress or is left. Liars are named.
//
// # Limits
//
// All bundles of a store are in memory, at most [MaxKeptBytes] of files beside the
// embedded one and those in use. A fetch that fails begins anew when it is called
// again.
package bundles
