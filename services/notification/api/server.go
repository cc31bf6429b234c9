// Package api answers the notification HTTP API behind the interface generated
// from api-specs/openapi/notification.yaml. No answer holds an address of a
// family or the text of a message.
package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/notification/message"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

// Types of resources, as the policies name them.
const (
	typeMessage  = "message"
	typeTask     = "task"
	typeWorker   = "worker"
	typeTemplate = "template"
)

// Server answers the API. Every field is needed.
type Server struct {
	DB        *kit.DB
	Clock     clock.Clock
	Policy    *policy.Engine
	Templates *message.Templates
}

const base = "/notifications/v1"

// Routes registers the API at its full paths.
func (s *Server) Routes(r *mux.Router) {
	strict := NewStrictHandlerWithOptions(s, nil, StrictHTTPServerOptions{RequestErrorHandlerFunc: httpapi.BadRequest, ResponseErrorHandlerFunc: httpapi.WriteProblem})
	HandlerWithOptions(strict, GorillaServerOptions{BaseURL: base, BaseRouter: r, ErrorHandlerFunc: httpapi.BadRequest})
}

type cursor struct {
	ID string `json:"i"`
}

// ListMessages lists messages of the cases the caller may know of.
func (s *Server) ListMessages(ctx context.Context, r ListMessagesRequestObject) (ListMessagesResponseObject, error) {
	f, err := filter(r.Params.CaseId, r.Params.ReferralId, r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	f.State, f.Template = string(httpapi.OrZero(r.Params.State)), httpapi.OrZero(r.Params.Template)
	var list []message.Message
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if err := s.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: typeMessage}); err != nil {
			return err
		}
		if f.Access, f.AccessArgs, err = s.Policy.CaseFilter(ctx, typeMessage, "message.case_id"); err != nil {
			return err
		}
		list, err = postgres.Messages(ctx, tx, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	page := MessagePage{Items: []Message{}}
	if len(list) == f.Limit {
		list = list[:f.Limit-1]
		page.NextCursor = httpapi.OrNil(httpapi.EncodeCursor(cursor{string(list[len(list)-1].ID)}))
	}
	for _, m := range list {
		shown, err := showMessage(m)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, shown)
	}
	return ListMessages200JSONResponse(page), nil
}

// filter is what both lists narrow by; one more than asked for tells whether there are more.
func filter(caseID, referralID, after *string, limit *int) (postgres.Filter, error) {
	var c cursor
	if err := httpapi.DecodeCursor(httpapi.OrZero(after), &c); err != nil {
		return postgres.Filter{}, err
	}
	return postgres.Filter{CaseID: httpapi.OrZero(caseID), ReferralID: httpapi.OrZero(referralID), After: c.ID, Limit: httpapi.Limit(limit) + 1}, nil
}

// GetMessage answers a message, without address and text.
func (s *Server) GetMessage(ctx context.Context, r GetMessageRequestObject) (GetMessageResponseObject, error) {
	var m message.Message
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if m, err = postgres.Message(ctx, tx, message.MessageID(r.MessageId.String())); err != nil {
			return err
		}
		return s.Policy.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: typeMessage, ID: string(m.ID), CaseID: m.CaseID})
	})
	if err != nil {
		return nil, err
	}
	shown, err := showMessage(m)
	return GetMessage200JSONResponse{Body: shown, Headers: GetMessage200ResponseHeaders{ETag: httpapi.OrNil(httpapi.ETag(m.Version))}}, err
}

// ListTasks lists what a person must see to.
func (s *Server) ListTasks(ctx context.Context, r ListTasksRequestObject) (ListTasksResponseObject, error) {
	f, err := filter(r.Params.CaseId, nil, r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	f.State = "open"
	if r.Params.State != nil {
		f.State = string(*r.Params.State)
	}
	var list []message.Task
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if err := s.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: typeTask}); err != nil {
			return err
		}
		if f.Access, f.AccessArgs, err = s.Policy.CaseFilter(ctx, typeTask, "task.case_id"); err != nil {
			return err
		}
		list, err = postgres.Tasks(ctx, tx, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	page := TaskPage{Items: []Task{}}
	if len(list) == f.Limit {
		list = list[:f.Limit-1]
		page.NextCursor = httpapi.OrNil(httpapi.EncodeCursor(cursor{string(list[len(list)-1].ID)}))
	}
	for _, t := range list {
		shown, err := showTask(t)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, shown)
	}
	return ListTasks200JSONResponse(page), nil
}

func taskResource(t message.Task) policy.Resource {
	return policy.Resource{Type: typeTask, ID: string(t.ID), CaseID: t.CaseID}
}

// GetTask answers a task.
func (s *Server) GetTask(ctx context.Context, r GetTaskRequestObject) (GetTaskResponseObject, error) {
	var t message.Task
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if t, err = postgres.Task(ctx, tx, message.TaskID(r.TaskId.String())); err != nil {
			return err
		}
		return s.Policy.CheckRead(ctx, tx, policy.Read, taskResource(t))
	})
	if err != nil {
		return nil, err
	}
	shown, err := showTask(t)
	return GetTask200JSONResponse{Body: shown, Headers: GetTask200ResponseHeaders{ETag: httpapi.OrNil(httpapi.ETag(t.Version))}}, err
}

// CompleteTask ends a task with what came of it.
func (s *Server) CompleteTask(ctx context.Context, r CompleteTaskRequestObject) (CompleteTaskResponseObject, error) {
	p, err := auth.Asker(ctx)
	if err != nil {
		return nil, err
	}
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *kit.Tx) (a CompleteTask200JSONResponse, err error) {
		t, err := postgres.LockTask(ctx, tx, message.TaskID(r.TaskId.String()))
		if err != nil {
			return a, err
		}
		if err := s.Policy.Check(ctx, tx, policy.Write, taskResource(t)); err != nil {
			return a, err
		}
		if err := httpapi.IfMatch(ctx, t.Version); err != nil {
			return a, err
		}
		if t, err = t.Complete(string(r.Body.OutcomeCode), p.Actor(), s.Clock.Now()); err != nil {
			return a, err
		}
		if err := postgres.UpdateTask(ctx, tx, t); err != nil {
			return a, err
		}
		a.Headers.ETag = httpapi.OrNil(httpapi.ETag(t.Version))
		a.Body, err = showTask(t)
		return a, err
	})
}

// ListTemplates answers the templates in force.
func (s *Server) ListTemplates(ctx context.Context, _ ListTemplatesRequestObject) (ListTemplatesResponseObject, error) {
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		return s.Policy.Check(ctx, tx, policy.Read, policy.Resource{Type: typeTemplate})
	})
	if err != nil {
		return nil, err
	}
	return ListTemplates200JSONResponse(showTemplates(s.Templates)), nil
}

// GetWorkerContact answers how a worker is reached at work.
func (s *Server) GetWorkerContact(ctx context.Context, r GetWorkerContactRequestObject) (GetWorkerContactResponseObject, error) {
	var c message.Contact
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if err := s.Policy.Check(ctx, tx, policy.Read, policy.Resource{Type: typeWorker, ID: r.WorkerId}); err != nil {
			return err
		}
		c, err = postgres.WorkerContact(ctx, tx, r.WorkerId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return GetWorkerContact200JSONResponse{Body: showContact(c), Headers: GetWorkerContact200ResponseHeaders{ETag: httpapi.OrNil(httpapi.ETag(c.Version))}}, nil
}

// PutWorkerContact registers how a worker is reached. What is stored already changes nothing.
func (s *Server) PutWorkerContact(ctx context.Context, r PutWorkerContactRequestObject) (PutWorkerContactResponseObject, error) {
	c := message.Contact{
		WorkerID: r.WorkerId, Email: string(httpapi.OrZero(r.Body.Email)), Phone: httpapi.OrZero(r.Body.Phone),
		Language: string(r.Body.Language), Prefers: string(httpapi.OrZero(r.Body.Prefers)), Version: 1,
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Policy.Check(ctx, tx, policy.Write, policy.Resource{Type: typeWorker, ID: r.WorkerId}); err != nil {
			return err
		}
		stored, err := postgres.LockWorkerContact(ctx, tx, r.WorkerId)
		switch {
		case fault.KindOf(err) == fault.NotFound:
		case err != nil:
			return err
		default:
			c.Version = stored.Version
			if c == stored {
				return nil
			}
			if err := httpapi.IfMatch(ctx, stored.Version); err != nil {
				return err
			}
			c.Version++
		}
		return postgres.PutWorkerContact(ctx, tx, c)
	})
	if err != nil {
		return nil, err
	}
	return PutWorkerContact200JSONResponse{Body: showContact(c), Headers: PutWorkerContact200ResponseHeaders{ETag: httpapi.OrNil(httpapi.ETag(c.Version))}}, nil
}

// id reads an id of our own making.
func id[T ~string](v T) (uuid.UUID, error) { return uuid.Parse(string(v)) }
