// Package spelling finds the word that was probably meant, for errors that name it.
package spelling
