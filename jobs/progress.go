package jobs

import (
	"context"
	"math"
	"strconv"
	"time"
)

// How often a catch-up that is longer than a page says where it stands.
const (
	tellEach  = 1000
	tellAfter = 30 * time.Second
)

// progress tells how far a catch-up has come. DS has no count of what is to come.
type progress struct {
	crew     *crew
	demarche int64
	// begun and from are when this attempt began, and at which dossier.
	begun time.Time
	from  int
	told  int
	at    time.Time
	long  bool
}

func newProgress(c *crew, demarche int64, read int) *progress {
	now := time.Now()
	p := &progress{crew: c, demarche: demarche, begun: now, from: read, told: read, at: now, long: read > 0}
	if p.long {
		p.gauge(1)
	}
	return p
}

// tell is told after each page, and logs now and then.
func (p *progress) tell(ctx context.Context, read int, more bool) {
	if !more {
		return
	}
	if !p.long {
		p.long = true
		p.gauge(1)
		p.log(ctx, "catching up", read)
	}
	if read/tellEach > p.told/tellEach || time.Since(p.at) > tellAfter {
		p.told, p.at = read, time.Now()
		p.log(ctx, "catching up", read)
	}
}

// end tells that the catch-up is over, if it was one.
func (p *progress) end(ctx context.Context, read int) {
	if p.long {
		p.log(ctx, "caught up", read)
	}
}

// pause says that this process is not at it any more.
func (p *progress) pause() {
	if p.long {
		p.gauge(0)
	}
}

func (p *progress) gauge(value float64) {
	p.crew.Metrics.CatchingUp.WithLabelValues(strconv.FormatInt(p.demarche, 10)).Set(value)
}

func (p *progress) log(ctx context.Context, what string, read int) {
	rate := float64(read-p.from) / max(time.Since(p.begun).Seconds(), 0.001)
	p.crew.Logger.InfoContext(ctx, what, "demarche", p.demarche, "done", read, "per_second", math.Round(rate))
}
