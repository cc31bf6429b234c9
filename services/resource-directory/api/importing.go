package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

// importDirectory reads records as they come and answers each with its verdict.
// The parameters have been checked against the OpenAPI file.
func (s *Server) importDirectory(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		return s.Policy.Check(ctx, tx, policy.Import, policy.Resource{Type: typeDirectory})
	})
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	source, err := sourceOf(r)
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	run := importRun{
		server: s, seen: directory.NewSeen(),
		entity: directory.Entity(orDefault(r.URL.Query().Get("entity"), string(directory.EntityService))),
		mode:   directory.Mode(orDefault(r.URL.Query().Get("mode"), string(directory.Replace))),
	}
	// A body that holds nothing readable is a problem, not an empty import.
	first, err := source.Next()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, directory.ErrRecordTooLarge) {
		httpapi.WriteProblem(w, r, err)
		return
	}
	control := http.NewResponseController(w)
	if err := control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		httpapi.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	send := func(line ImportLine) error {
		if err := out.Encode(line); err != nil {
			return err
		}
		if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	}
	if err := run.all(ctx, source, first, err, send); err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "import ended early", slog.Int("records", run.totals.Records), slog.Any("error", err))
	}
}

func sourceOf(r *http.Request) (directory.Source, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil {
		switch {
		case media == "application/x-ndjson":
			return directory.NewNDJSON(r.Body), nil
		case media == "application/json", strings.HasSuffix(media, "+json"):
			return directory.NewJSON(r.Body), nil
		}
	}
	return nil, fault.New(fault.UnsupportedMedia, "unsupported_media", "Send application/json or application/x-ndjson.")
}

// importRun is one import on its way.
type importRun struct {
	server *Server
	seen   *directory.Seen
	entity directory.Entity
	mode   directory.Mode
	index  int
	totals directory.Totals
}

// all gives each record its verdict until the body ends, well or badly. The
// error is about the answer, or about a part of ours that is away.
func (run *importRun) all(ctx context.Context, source directory.Source, raw json.RawMessage, err error, send func(ImportLine) error) error {
	for ; ; raw, err = source.Next() {
		switch {
		case errors.Is(err, io.EOF):
			return send(run.last(nil))
		case errors.Is(err, directory.ErrRecordTooLarge):
			_, faults := directory.ParseRecord(run.entity, make([]byte, directory.MaxRecordBytes+1))
			if err := send(run.verdict(directory.Verdict{Index: run.index, Entity: run.entity, Status: directory.Refused, Problems: faults})); err != nil {
				return err
			}
		case err != nil:
			stopped := fault.Field{Code: "body_broke_off", Detail: "The body could not be read to its end; send the import again."}
			if e, ok := fault.As(err); ok {
				stopped = fault.Field{Code: e.Code, Detail: e.Detail}
			}
			return send(run.last(&stopped))
		default:
			verdicts, err := run.record(ctx, raw)
			for _, v := range verdicts {
				if err := send(run.verdict(v)); err != nil {
					return err
				}
			}
			if err != nil {
				stopped := fault.Field{Code: "store_unavailable", Detail: "The directory could not be written; send the import again."}
				return errors.Join(err, send(run.last(&stopped)))
			}
		}
		run.index++
	}
}

// record stores one record and the services nested in it, each with its verdict.
func (run *importRun) record(ctx context.Context, raw json.RawMessage) ([]directory.Verdict, error) {
	rec, faults := directory.ParseRecord(run.entity, raw)
	first, err := run.store(ctx, rec, faults)
	if err != nil {
		return nil, err
	}
	verdicts := []directory.Verdict{first}
	if first.Status == directory.Refused {
		return verdicts, nil
	}
	for _, nested := range rec.Nested {
		if nested.Entity != directory.EntityService {
			continue
		}
		v, err := run.store(ctx, nested, nil)
		if err != nil {
			return verdicts, err
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

func (run *importRun) store(ctx context.Context, rec directory.Record, faults []fault.Field) (directory.Verdict, error) {
	v := directory.Verdict{Index: run.index, Entity: rec.Entity, ID: rec.ID, Warnings: rec.Warnings}
	if len(faults) > 0 {
		v.Status, v.Problems = directory.Refused, faults
		return v, nil
	}
	if status, ok := run.seen.Check(rec); !ok {
		v.Status = status
		if status == directory.Conflict {
			v.Problems = []fault.Field{directory.ConflictField()}
		}
		return v, nil
	}
	err := run.server.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		v.Status, err = postgres.Load(ctx, tx, rec, run.mode, run.server.Clock.Now())
		return err
	})
	if problems := refusal(err); problems != nil {
		v.Status, v.Problems = directory.Refused, problems
		return v, nil
	}
	return v, err
}

// refusal is what a failed store means for the record: its own fault (PostgreSQL
// class 22, data exceptions, such as a number beyond all measure, and class 54,
// limits exceeded), or nil.
func refusal(err error) []fault.Field {
	if e, ok := fault.As(err); ok && e.Kind == fault.Unprocessable {
		return e.Fields
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "54")) {
		return []fault.Field{{Code: "not_storable", Detail: "A value of the record is beyond what can be stored, such as a number with too many digits."}}
	}
	return nil
}

func (run *importRun) verdict(v directory.Verdict) ImportLine {
	run.totals.Add(v)
	entity, status := ImportLineEntity(v.Entity), ImportLineStatus(v.Status)
	return ImportLine{Index: &v.Index, Entity: &entity, Id: httpapi.OrNil(v.ID), Status: &status, Problems: fields(v.Problems), Warnings: fields(v.Warnings)}
}

func (run *importRun) last(stopped *fault.Field) ImportLine {
	n := run.totals.Counts
	totals := ImportTotals{
		Records: run.totals.Records, Created: n[directory.Created], Updated: n[directory.Updated], Unchanged: n[directory.Unchanged],
		Repeated: n[directory.Repeated], Conflict: n[directory.Conflict], Refused: n[directory.Refused], Complete: stopped == nil,
	}
	if stopped != nil {
		totals.Stopped = &ProblemField{Pointer: stopped.Pointer, Code: stopped.Code, Detail: stopped.Detail}
	}
	return ImportLine{Totals: &totals}
}

func fields(in []fault.Field) *[]ProblemField {
	if len(in) == 0 {
		return nil
	}
	out := make([]ProblemField, len(in))
	for i, f := range in {
		out[i] = ProblemField{Pointer: f.Pointer, Code: f.Code, Detail: f.Detail}
	}
	return &out
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
