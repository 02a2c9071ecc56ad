package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux that Go supports.
const clockTick = time.Second / 100

// statFields returns the fields after the name of the process: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func statFields(pid int) (fields []string, ok bool) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields = strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
	return fields, err == nil && len(fields) >= 15
}

// cpuTime returns false on a system without /proc.
func cpuTime(pid int) (time.Duration, bool) {
	fields, ok := statFields(pid)
	if !ok {
		return 0, false
	}
	return ticks(fields[11:13]...), true // utime and stime, fields 14 and 15
}

func ticks(fields ...string) (total time.Duration) {
	for _, field := range fields {
		n, _ := strconv.Atoi(field)
		total += time.Duration(n) * clockTick
	}
	return total
}

// postgresTime is the CPU time of PostgreSQL, which has a process for each connection.
func (s server) postgresTime() (total time.Duration) {
	if s.postgres == 0 {
		return 0
	}
	if fields, ok := statFields(s.postgres); ok {
		total = ticks(fields[11:15]...) // with cutime and cstime, the time of its children that have ended
	}
	processes, _ := filepath.Glob("/proc/[0-9]*") // the pattern is valid
	for _, process := range processes {
		pid, _ := strconv.Atoi(filepath.Base(process))
		if fields, ok := statFields(pid); ok && fields[1] == strconv.Itoa(s.postgres) { // its parent
			total += ticks(fields[11:13]...)
		}
	}
	return total
}

// peakMemory returns the number of bytes, or false on a system without /proc.
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

type usage struct {
	server, worker time.Duration // CPU time
	database       int64         // size of the server's database in bytes
	known          bool          // whether CPU times can be read on this system
}

func (v *variant) usage() usage {
	var u usage
	u.worker, u.known = cpuTime(v.rig.stack.PID(v.worker))
	if v.client == nil {
		return u
	}
	u.server, _ = cpuTime(v.rig.stack.PID(v.server.process))
	u.server += v.server.postgresTime()
	u.database = size(v.server.database)
	return u
}

// size ignores files that are deleted meanwhile.
func size(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			if info, err := entry.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}

func (u usage) since(before usage) usage {
	return usage{u.server - before.server, u.worker - before.worker, u.database - before.database, u.known && before.known}
}
