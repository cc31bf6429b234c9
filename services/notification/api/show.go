package api

import (
	"maps"
	"slices"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/hearthfps/hearth/services/notification/message"
)

func showMessage(m message.Message) (Message, error) {
	messageID, err := id(m.ID)
	return Message{
		MessageId: openapi_types.UUID(messageID), Template: m.Template, TemplateVersion: m.TemplateVersion, Audience: Audience(m.Audience), RecipientId: m.Recipient,
		State: MessageState(m.State), ReasonCode: ptr(m.ReasonCode), Channel: ptr(MessageChannel(m.Channel)), Language: ptr(Language(m.Language)),
		AboutEvent: m.AboutEvent, CaseId: ptr(m.CaseID), ReferralId: ptr(m.ReferralID), VisitId: ptr(m.VisitID),
		Attempts: m.Attempts, DueAt: m.DueAt, CreatedAt: m.CreatedAt, EndedAt: ptr(m.EndedAt), Version: int(m.Version),
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
		ReasonCode: t.ReasonCode, CaseId: ptr(t.CaseID), ReferralId: ptr(t.ReferralID), State: state, OutcomeCode: ptr(TaskOutcome(t.OutcomeCode)),
		CompletedBy: ptr(t.CompletedBy), CompletedAt: ptr(t.CompletedAt), CreatedAt: t.CreatedAt, Version: int(t.Version),
	}, err
}

func showContact(c message.Contact) WorkerContact {
	return WorkerContact{
		WorkerId: c.WorkerID, Email: ptr(c.Email), Phone: ptr(c.Phone), Language: Language(c.Language),
		Prefers: ptr(WorkerContactPrefers(c.Prefers)), Version: int(c.Version),
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
