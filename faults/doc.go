// Package faults proves what the product promises by breaking it: its tests start the built binary as processes of
// their own, on real engines, and kill, freeze, flush, fill and cut off what they can while messages come in.
//
// Each test ends with the same check (check_test.go): what was answered 2xx is stored, is one event however often the
// provider repeated it, and has reached every webhook or is listed as failed with a reason; nothing is stuck; and no
// secret stands in a log. No test hook is in the product: a moment between two steps is held open from outside, by a
// lock in the database, a receiver that does not answer, or a replica that PostgreSQL waits for.
//
// The tests run on Linux only. FAULTS_BINARY names a product that is built already; else the tests build it.
package faults
