package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// process measures the release build in a process of its own.
func process(ctx context.Context, b *bench) (err error) {
	w, err := b.outside(ctx, stage.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	info, err := os.Stat(w.binary)
	if err != nil {
		return err
	}

	var ready []time.Duration
	for range 5 {
		begun := time.Now()
		if err := w.serve(ctx); err != nil {
			return err
		}
		ready = append(ready, time.Since(begun))
		if len(ready) == 5 {
			break
		}
		if err := w.stop(); err != nil {
			return err
		}
	}
	time.Sleep(3 * time.Second) //nolint:forbidigo // idle is a state that lasts
	fmt.Printf("binary: %.1f MiB; start to /readyz: median %.0f ms; idle: %s MiB resident\n",
		float64(info.Size())/(1<<20), ms(median(ready)), resident(w.pid()))

	begun := time.Now()
	for n := range b.dossiers {
		if err := w.accept(n); err != nil {
			return err
		}
	}
	if err := w.settled(ctx, b.dossiers); err != nil {
		return err
	}
	fmt.Printf("after %d dossiers accepted, each told by a webhook: %s MiB resident, highest %s MiB, %.0f dossiers/s\n",
		b.dossiers, resident(w.pid()), highest(w.pid()), float64(b.dossiers)/time.Since(begun).Seconds())
	return nil
}

// resident is the process' resident memory in MiB, highest the most it ever was.
func resident(pid int) string { return statusMiB(pid, "VmRSS:") }
func highest(pid int) string  { return statusMiB(pid, "VmHWM:") }

func statusMiB(pid int, field string) string {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "?"
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var kib float64
		if _, err := fmt.Sscanf(lines.Text(), field+" %f kB", &kib); err == nil {
			return fmt.Sprintf("%.1f", kib/1024)
		}
	}
	return "?"
}

// processCPU is the processor time that a process has used so far, in seconds.
func processCPU(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name, in brackets, can hold blanks; two times stand 12 and 13 fields behind it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks float64
	for _, field := range fields[11:13] {
		n, _ := strconv.ParseFloat(field, 64)
		ticks += n
	}
	return ticks / 100 // Linux counts in hundredths of a second
}
