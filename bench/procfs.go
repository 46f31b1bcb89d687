//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc/<pid>/stat: USER_HZ, which is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// procStat is the part of /proc/<pid>/stat that is needed here.
type procStat struct {
	pid, parent int
	cpu         time.Duration // own time and that of children that have ended
}

// parseStat reads a line of /proc/<pid>/stat. The command's name stands in brackets and may hold anything, so the
// fields are counted from the last bracket; see proc_pid_stat(5).
func parseStat(line []byte) (procStat, error) {
	open, closed := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || closed < open {
		return procStat{}, errors.New("read stat: there is no name in brackets")
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(line[:open])))
	if err != nil {
		return procStat{}, fmt.Errorf("read stat: %w", err)
	}
	fields := strings.Fields(string(line[closed+1:]))
	if len(fields) < 15 {
		return procStat{}, errors.New("read stat: the line is too short")
	}
	s := procStat{pid: pid}
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return procStat{}, fmt.Errorf("read stat: %w", err)
	}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return procStat{}, fmt.Errorf("read stat: %w", err)
		}
		s.cpu += time.Duration(ticks) * tick
	}
	return s, nil
}

// processes reads the stat of every process. One that ends meanwhile is left out.
func processes() (map[int]procStat, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all := make(map[int]procStat, len(files))
	for _, file := range files {
		line, err := os.ReadFile(file) //nolint:gosec // a file of /proc
		if err != nil {
			continue
		}
		s, err := parseStat(line)
		if err != nil {
			return nil, err
		}
		all[s.pid] = s
	}
	return all, nil
}

// family returns a process and its descendants.
func family(all map[int]procStat, root int) []procStat {
	var members []procStat
	for pid := range all {
		for ancestor := pid; ancestor > 1; ancestor = all[ancestor].parent {
			if ancestor == root {
				members = append(members, all[pid])
				break
			}
		}
	}
	return members
}

// cpuOf returns the processor time that a process and its descendants have used so far. The time of children that have
// ended is in their parent's, so the difference of two readings is right while backends come and go.
func cpuOf(root int) (time.Duration, error) {
	all, err := processes()
	if err != nil {
		return 0, err
	}
	if _, alive := all[root]; !alive {
		return 0, fmt.Errorf("read the processor time of process %d: it has ended", root)
	}
	var sum time.Duration
	for _, member := range family(all, root) {
		sum += member.cpu
	}
	return sum, nil
}

// ownCPU returns the processor time of this process alone.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for bad arguments
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// parsePss reads the proportional set size, in bytes, from a smaps_rollup: memory that n processes share counts 1/n in each.
func parsePss(rollup []byte) (int64, error) {
	for line := range bytes.Lines(rollup) {
		rest, ok := bytes.CutPrefix(line, []byte("Pss:"))
		if !ok {
			continue
		}
		kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read smaps_rollup: %w", err)
		}
		return kilobytes << 10, nil
	}
	return 0, errors.New("read smaps_rollup: there is no Pss")
}

// memoryOf returns the memory of a process and its descendants, in bytes. What ends meanwhile is left out.
func memoryOf(root int) (int64, error) {
	all, err := processes()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, member := range family(all, root) {
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", member.pid))
		if errors.Is(err, os.ErrPermission) {
			return 0, fmt.Errorf("read memory: %w", err)
		}
		if err != nil || len(rollup) == 0 {
			continue
		}
		pss, err := parsePss(rollup)
		if err != nil {
			return 0, err
		}
		sum += pss
	}
	return sum, nil
}
