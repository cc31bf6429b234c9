package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// maxRequest bounds the body of one request for events; a stream goes to events:import.
const maxRequest = 8 << 20

// receiveEvents takes one event, binary or structured, or a batch.
func (a *API) receiveEvents(w http.ResponseWriter, r *http.Request) {
	if err := a.take(w, r); err != nil {
		httpapi.WriteProblem(w, r, err)
	}
}

func (a *API) take(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return fault.New(fault.TooLarge, "body_too_large", "One request takes at most 8 MiB of events. Send a stream to events:import.")
	case err != nil:
		return fault.New(fault.Invalid, "body_unreadable", "The body ended before it was whole.").Because(err)
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	switch {
	case media == "application/cloudevents-batch+json":
		return a.takeBatch(ctx, w, body)
	case media == "application/cloudevents+json":
		return a.takeOne(ctx, w, a.Reception.Read(ctx, body))
	case r.Header.Get("ce-specversion") != "" || r.Header.Get("ce-type") != "":
		decoded, err := events.DecodeHTTP(r.Header, body)
		if err != nil {
			return err
		}
		return a.takeOne(ctx, w, a.Reception.ReadBinary(ctx, decoded[0], "header/ce-"))
	}
	return fault.New(fault.UnsupportedMedia, "not_cloudevents",
		"Send a CloudEvent: application/cloudevents+json, application/cloudevents-batch+json, or JSON data with ce-* headers.")
}

func (a *API) takeOne(ctx context.Context, w http.ResponseWriter, rd reception.Reading) error {
	verdicts, err := a.Reception.Receive(ctx, reception.ViaHTTP, []reception.Reading{rd})
	if err != nil {
		return err
	}
	v := verdicts[0]
	if rd.Faults != nil {
		if err := a.Reception.Allow(ctx); err != nil {
			return err
		}
	}
	switch v.Status {
	case referral.VerdictRefused:
		return fault.New(fault.Unprocessable, "event_refused", "The event is refused; errors lists every fault.", v.Problems...)
	case referral.VerdictConflict:
		return fault.New(fault.Conflict, "event_conflict", "Another event with this source and id was received before, receipt "+string(v.ReceiptID)+". It is kept; this one is in quarantine.", v.Problems...)
	case referral.VerdictDuplicate:
		return answer(w, http.StatusOK, verdict(0, v))
	default:
		return answer(w, http.StatusAccepted, verdict(0, v))
	}
}

func (a *API) takeBatch(ctx context.Context, w http.ResponseWriter, body []byte) error {
	if err := a.Reception.Allow(ctx); err != nil {
		return err
	}
	parts, faults := referral.SplitBatch(body)
	if faults != nil {
		return fault.New(fault.Unprocessable, "event_refused", "The batch is refused; errors lists every fault.", faults...)
	}
	readings := make([]reception.Reading, len(parts))
	for i, part := range parts {
		readings[i] = a.Reception.Read(ctx, part)
		for k := range readings[i].Faults {
			readings[i].Faults[k].Pointer = fmt.Sprintf("/%d%s", i, readings[i].Faults[k].Pointer)
		}
	}
	verdicts, err := a.Reception.Receive(ctx, reception.ViaHTTP, readings)
	if err != nil {
		return err
	}
	list := VerdictList{Items: make([]Verdict, len(verdicts))}
	for i, v := range verdicts {
		list.Items[i] = verdict(i+1, v)
	}
	return answer(w, http.StatusOK, list)
}

func answer(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		slog.Debug("sender left before the answer", slog.Any("error", err))
	}
	return nil
}

func verdict(line int, v referral.Verdict) Verdict {
	return Verdict{
		Line: optional(line), Status: VerdictStatus(v.Status), ReceiptId: optional(string(v.ReceiptID)), ReferralId: optional(string(v.ReferralID)),
		Problems: problems(v.Problems), Notices: problems(v.Notices),
	}
}

// importEvents takes a stream, one event a line, and answers a verdict a line while
// it still reads. When it must stop, the last line is a problem.
func (a *API) importEvents(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := a.Reception.Allow(ctx); err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	control := http.NewResponseController(w)
	// Without it HTTP/1.1 stops reading once the answer begins. What cannot (a
	// recorder in a test, HTTP/2 which always can) says so, and need not.
	if err := control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		httpapi.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	out := bufio.NewWriterSize(w, 32<<10)
	lines := json.NewEncoder(out)
	flush := func() error {
		if err := out.Flush(); err != nil {
			return err
		}
		if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	}
	interrupt := func() {
		// Not supported by what is not a connection; that never waits.
		_ = control.SetReadDeadline(time.Unix(1, 0))
	}
	err := a.Reception.Import(ctx, r.Body, interrupt, func(line int, v referral.Verdict) error { return lines.Encode(verdict(line, v)) }, flush)
	if err != nil {
		err = errors.Join(err, lines.Encode(stopped(err)))
		slog.ErrorContext(ctx, "import stopped early", slog.Any("error", err))
	}
	if err := flush(); err != nil {
		slog.DebugContext(ctx, "sender left before the answer", slog.Any("error", err))
	}
}

// stopped is the last line of an import that ended early.
func stopped(err error) Problem {
	e, ok := fault.As(err)
	if !ok {
		e = fault.New(fault.Unavailable, "import_stopped", "The import stopped here. Send the lines that have no verdict again.")
	}
	status := httpapi.Status(e.Kind)
	detail := e.Detail
	return Problem{Type: "urn:hearth:problem:" + e.Code, Title: http.StatusText(status), Status: status, Code: e.Code, Detail: &detail}
}
