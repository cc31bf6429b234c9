package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Pace is how the events of a job are told. A zero field has its default; so has nil.
type Pace struct {
	// Look is how often the job is looked at: half a second.
	Look time.Duration
	// Beat is how long nothing may be sent: 15 seconds, less than what proxies wait.
	Beat time.Duration
	// Most is how long one answer goes on: ten minutes. Whoever follows for longer
	// shows a token again, which may have been taken from them meanwhile.
	Most time.Duration
}

// whole is the pace with its defaults.
func (p *Pace) whole() Pace {
	var own Pace
	if p != nil {
		own = *p
	}
	return Pace{cmp.Or(own.Look, 500*time.Millisecond), cmp.Or(own.Beat, 15*time.Second), cmp.Or(own.Most, 10*time.Minute)}
}

// sendBy is how long a reader may leave what is sent to them unread.
const sendBy = 30 * time.Second

// FollowPlanningJob answers a job's progress as server-sent events.
func (s Server) FollowPlanningJob(ctx context.Context, r FollowPlanningJobRequestObject) (FollowPlanningJobResponseObject, error) {
	job, err := s.job(ctx, r.JobId)
	if err != nil {
		return nil, err
	}
	known := int64(-1)
	if r.Params.LastEventID != nil && *r.Params.LastEventID != "" {
		if known, err = strconv.ParseInt(*r.Params.LastEventID, 10, 64); err != nil {
			known = -1 // a number that no version has: nothing is known
		}
	}
	if over(job) && known == job.Version {
		return FollowPlanningJob204Response{}, nil
	}
	return jobEvents{s, ctx, r.JobId, job, known}, nil
}

// over says whether the search of a job has ended; what is decided over its proposal
// is not followed.
func over(j schedule.Job) bool {
	return j.Status != schedule.JobQueued && j.Status != schedule.JobRunning
}

// jobEvents is the answer that goes on while a job does.
type jobEvents struct {
	server Server
	ctx    context.Context
	id     JobID
	job    schedule.Job
	known  int64 // the version the reader has
}

// VisitFollowPlanningJobResponse sends events until the job's search ends, the reader
// or the server goes, or the time of one answer is over. Once the answer has begun,
// nothing can be told of a failure but its end: the reader comes back and is told then.
func (e jobEvents) VisitFollowPlanningJobResponse(w http.ResponseWriter) error {
	p, _ := auth.From(e.ctx)
	leave, err := e.server.Followers.join(p)
	if err != nil {
		return err
	}
	defer leave()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // what stands between passes on each event at once
	w.WriteHeader(http.StatusOK)
	out := eventWriter{w, http.NewResponseController(w)}
	defer out.unhurried()
	pace := e.server.Pace.whole()
	look, beat, most := time.NewTicker(pace.Look), time.NewTicker(pace.Beat), time.NewTimer(pace.Most)
	defer look.Stop()
	defer beat.Stop()
	defer most.Stop()
	if err := out.send("retry: 1000\n\n"); err != nil {
		return nil // the reader is gone
	}
	for {
		if e.job.Version != e.known || over(e.job) {
			if err := out.job(e.job); err != nil || over(e.job) {
				return nil
			}
			e.known = e.job.Version
			beat.Reset(pace.Beat)
		}
		select {
		case <-e.ctx.Done():
			return nil
		case <-httpapi.Leaving(e.ctx):
			return nil
		case <-most.C:
			return nil
		case <-beat.C:
			if err := out.send(": still here\n\n"); err != nil {
				return nil
			}
		case <-look.C:
			job, err := e.server.job(e.ctx, e.id)
			if err != nil { // also when the right to see it was taken away
				e.server.Desk.Log.LogAttrs(e.ctx, slog.LevelInfo, "a planning job is not followed further", slog.Any("error", err))
				return nil
			}
			e.job = job
		}
	}
}

// eventWriter writes text/event-stream (HTML standard, section 9.2).
type eventWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w eventWriter) job(j schedule.Job) error {
	name := "progress"
	if over(j) {
		name = "ended"
	}
	data, err := json.Marshal(viewJob(j)) // on one line
	if err != nil {
		return err
	}
	return w.send(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", j.Version, name, data))
}

// unhurried leaves the connection as it was.
func (w eventWriter) unhurried() {
	// Where it cannot be set there was none; and a connection that is gone needs none.
	_ = w.control.SetWriteDeadline(time.Time{})
}

// send writes and passes on at once.
func (w eventWriter) send(text string) error {
	if err := w.control.SetWriteDeadline(time.Now().Add(sendBy)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	if err := w.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
