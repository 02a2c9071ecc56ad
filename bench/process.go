package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc, USER_HZ, which is 100 on every Linux that Go runs on.
const tick = time.Second / 100

// cpu is the CPU time that a process and its threads have taken. It reads Linux's /proc: false on other systems, where
// those rows stay empty, and for a process that is gone.
func cpu(pid int) (time.Duration, bool) {
	fields, ok := processStat(pid)
	if !ok {
		return 0, false
	}
	user, _ := strconv.Atoi(fields[11]) // utime and stime, fields 14 and 15 of proc_pid_stat(5)
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, true
}

// processStat is a process's fields after its name, the first of which is the third of proc_pid_stat(5).
func processStat(pid int) ([]string, bool) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, false
	}
	fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
	return fields, len(fields) > 12
}

// peakMemory is the most resident memory a process has had, in bytes.
func peakMemory(pid int) (float64, bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if kB, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.ParseFloat(strings.Fields(kB)[0], 64)
			return n * 1024, err == nil
		}
	}
	return 0, false
}

// ownChildren are the processes that this one has started from the program of that name.
func ownChildren(program string) []int {
	var pids []int
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		if fields, ok := processStat(pid); err == nil && ok && fields[1] == strconv.Itoa(os.Getpid()) && strings.TrimSpace(string(name)) == program {
			pids = append(pids, pid)
		}
	}
	return pids
}
