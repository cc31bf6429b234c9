package api

import (
	"maps"
	"slices"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/notification/message"
)

func showMessage(m message.Message) (Message, error) {
	messageID, err := id(m.ID)
	return Message{
		MessageId: openapi_types.UUID(messageID), Template: m.Template, TemplateVersion: m.TemplateVersion, Audience: Audience(m.Audience), RecipientId: m.Recipient,
		State: MessageState(m.State), ReasonCode: httpapi.OrNil(m.ReasonCode), Channel: httpapi.OrNil(MessageChannel(m.Channel)), Language: httpapi.OrNil(Language(m.Language)),
		AboutEvent: m.AboutEvent, CaseId: httpapi.OrNil(m.CaseID), ReferralId: httpapi.OrNil(m.ReferralID), VisitId: httpapi.OrNil(m.VisitID),
		Attempts: m.Attempts, DueAt: m.DueAt, CreatedAt: m.CreatedAt, EndedAt: httpapi.OrNil(m.EndedAt), Version: int(m.Version),
	}, err
}

func showTask(t message.Task) (Task, error) {
	taskID, err := id(t.ID)
	if err != nil {
		return Task{}, err
	}
	messageID, err := id(t.MessageID)
	state := TaskState("open")
	if t.Done {
		state = "done"
	}
	return Task{
		TaskId: openapi_types.UUID(taskID), MessageId: openapi_types.UUID(messageID), Template: t.Template, Audience: Audience(t.Audience),
		ReasonCode: t.ReasonCode, CaseId: httpapi.OrNil(t.CaseID), ReferralId: httpapi.OrNil(t.ReferralID), State: state, OutcomeCode: httpapi.OrNil(TaskOutcome(t.OutcomeCode)),
		CompletedBy: httpapi.OrNil(t.CompletedBy), CompletedAt: httpapi.OrNil(t.CompletedAt), CreatedAt: t.CreatedAt, Version: int(t.Version),
	}, err
}

func showContact(c message.Contact) WorkerContact {
	return WorkerContact{
		WorkerId: c.WorkerID, Email: httpapi.OrNil(c.Email), Phone: httpapi.OrNil(c.Phone), Language: Language(c.Language),
		Prefers: httpapi.OrNil(WorkerContactPrefers(c.Prefers)), Version: int(c.Version),
	}
}

func showTemplates(t *message.Templates) Templates {
	out := Templates{Name: t.Name, Version: t.Version, Hash: t.Hash}
	for _, name := range t.Names() {
		spec, _ := t.Spec(name)
		item := struct {
			Audiences []Audience `json:"audiences"`
			Languages []Language `json:"languages"`
			Template  Code       `json:"template"`
			Variables []string   `json:"variables"`
		}{Template: name, Variables: slices.Sorted(maps.Keys(spec.Variables))}
		for _, a := range spec.Audiences {
			item.Audiences = append(item.Audiences, Audience(a))
		}
		for _, l := range message.Languages {
			item.Languages = append(item.Languages, Language(l))
		}
		out.Items = append(out.Items, item)
	}
	return out
}
