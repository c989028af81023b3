// Package command is the program's verbs, one file and one test each: flags in,
// text for people or JSON for programs out. It decides nothing that a package below
// could decide.
//
// What a verb prints for its reader goes to standard output; progress, remarks and
// errors go to standard error. The exit code is 0 where the verb did its work, 1 where
// it failed, 2 where the command line was at fault, and 130 after Ctrl-C.
package command
