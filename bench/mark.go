//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// markPrefix begins a mark. It stands in the text of a message and comes out again somewhere in a delivery's body.
const markPrefix = "#bench/"

// mark says which event a body is about, and since when it is under way.
type mark struct {
	run     int   // which load
	seq     int   // which event of it, from 0
	started int64 // epoch nanoseconds at the start of its POST
}

// appendMark writes a mark in a fixed width, so that all bodies of a load have one size.
func appendMark(to []byte, m mark) []byte {
	return fmt.Appendf(to, "%s%04d/%08d/%019d;", markPrefix, m.run, m.seq, m.started)
}

// findMark returns the first mark in a body and where it stands.
func findMark(body []byte) (m mark, from, to int, ok bool) {
	from = bytes.Index(body, []byte(markPrefix))
	if from < 0 {
		return mark{}, 0, 0, false
	}
	rest := body[from+len(markPrefix):]
	end := bytes.IndexByte(rest, ';')
	if end != 4+1+8+1+19 || rest[4] != '/' || rest[13] != '/' {
		return mark{}, 0, 0, false
	}
	run, runErr := strconv.ParseUint(string(rest[:4]), 10, 31)
	seq, seqErr := strconv.ParseUint(string(rest[5:13]), 10, 31)
	started, startedErr := strconv.ParseUint(string(rest[14:33]), 10, 63)
	if runErr != nil || seqErr != nil || startedErr != nil {
		return mark{}, 0, 0, false
	}
	m = mark{run: int(run), seq: int(seq), started: int64(started)}
	return m, from, from + len(markPrefix) + end + 1, true
}
