package spelling

import "strings"

// longest is the length in bytes from which words are not compared: the cost is the product
// of two lengths, and words may come from a file.
const longest = 512

// Nearest is the place of the word among those known that differs from it in the fewest
// bytes, at most in most and not in all; of several the first. It is -1 where there is none.
func Nearest(word string, known []string, most int) int {
	best, least := -1, most+1
	for i, k := range known {
		if d := distance(word, k, least); d < least && d < len(k) {
			best, least = i, d
		}
	}
	return best
}

// NearestFold is Nearest where capitals count as small letters.
func NearestFold(word string, known []string, most int) int {
	folded := make([]string, len(known))
	for i, k := range known {
		folded[i] = strings.ToLower(k)
	}
	return Nearest(strings.ToLower(word), folded, most)
}

// distance is the number of bytes to insert, remove or replace between a and b (Levenshtein
// 1966), or limit where it is more.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) >= limit || len(a) > longest || len(b) > longest {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit)
}
