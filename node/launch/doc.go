// Package launch starts processes of the program, as nodes of one machine, watches them and
// ends them: for what shows and what measures whole meshes.
//
// # Concepts
//
//   - [Launcher]: starts processes and keeps the log of each.
//   - [Command]: what is started.
//   - [Process]: one that was started; it may be killed, and its end waited for.
//
// # Guarantees
//
// No process outlives [Launcher.Close]: each is asked to end and, after [Grace], ended. On
// Linux none outlives this process either, however it ends. Ctrl-C at the terminal reaches
// this process alone, on Unix. A process inherits nothing that is written for a node of the
// caller's own (GANGLION_ in the environment), a token above all, but for the directory of
// run files.
//
// # Limits
//
// What a process started itself is not ended with it. Logs are not bounded: nodes write
// little, and a process that is started anew appends to the log of its name.
package launch
