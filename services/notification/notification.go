// Package notification puts the notification service together: from events to
// people, by each person's safe contact.
package notification

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/google/uuid"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/notification/api"
	"github.com/hearthfps/hearth/services/notification/channel"
	"github.com/hearthfps/hearth/services/notification/deliver"
	"github.com/hearthfps/hearth/services/notification/intake"
	"github.com/hearthfps/hearth/services/notification/message"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

// Name is the service's name.
const Name = "notification"

// Settings are the service's own. What is not set is not used; a message for
// which there is no provider is withheld, with a task for a person.
type Settings struct {
	// InboxDir is a folder that stands in for mail server and SMS gateway. In
	// development it is the folder inbox of the data folder when no provider is set.
	InboxDir string `yaml:"inbox_dir"`
	// SMTP sends mail.
	SMTP *channel.SMTPConfig `yaml:"smtp"`
	// SMS sends text messages through an HTTP gateway.
	SMS *channel.SMSConfig `yaml:"sms"`
	// Webhook signs alerts to the duty team's webhook.
	Webhook *channel.WebhookConfig `yaml:"webhook"`
}

// Service is the notification service.
func Service() app.Service {
	spec, err := specs.OpenAPI.ReadFile("openapi/notification.yaml")
	if err != nil {
		panic(err) // embedded: it is there, or the build is broken
	}
	return app.Service{Name: Name, Port: 8086, Spec: spec, Migrations: postgres.Migrations, Peers: []string{"intake"}, Probe: app.ProbeList("/templates"), New: assemble}
}

// InboxDir is where the development inbox of a data folder is.
func InboxDir(data string) string { return filepath.Join(data, "inbox") }

// Inbox shows the messages in an inbox folder, for /dev/inbox. It makes the
// folder when it is not there.
func Inbox(dir string) (http.Handler, error) { return channel.NewInbox(dir) }

func assemble(_ context.Context, d *app.Deps) (*app.Parts, error) {
	var settings Settings
	if err := d.Settings(&settings); err != nil {
		return nil, err
	}
	if d.Dev && d.Data != "" && settings == (Settings{}) {
		settings.InboxDir = InboxDir(d.Data)
	}
	providers, err := providersOf(settings, d.Clock)
	if err != nil {
		return nil, err
	}
	templates, err := message.LoadTemplates(message.RuleFiles())
	if err != nil {
		return nil, err
	}
	rules, _, err := message.LoadDelivery(message.RuleFiles())
	if err != nil {
		return nil, err
	}
	peer, err := d.Peer("intake")
	if err != nil {
		return nil, err
	}
	deliverer := deliver.New(deliver.Config{
		DB: d.DB, Clock: d.Clock, Agencies: d.Rules, Templates: templates, Rules: rules,
		Intake: intake.New(peer.URL, peer.HTTP), Providers: providers, NewID: uuid.NewV7, Log: d.Log,
	})
	server := &api.Server{DB: d.DB, Clock: d.Clock, Policy: d.Policy, Templates: templates}
	consumer := consumer{deliver: deliverer, agencies: d.Rules, clock: d.Clock, rules: rules}
	return &app.Parts{
		Routes:        server.Routes,
		Subscriptions: consumer.subscriptions(),
		Timers:        map[string]timers.Handler{deliver.TimerKind: deliverer.Due},
		Signals:       signals(templates.Names()),
		Censuses:      censuses(templates.Names()),
		Workers:       []app.Worker{{Name: "sender", Run: deliverer.Run}},
	}, nil
}

// providersOf makes a provider for each kind of address that is configured.
func providersOf(s Settings, c clock.Clock) (map[string]channel.Provider, error) {
	providers := map[string]channel.Provider{}
	var errs []error
	add := func(kind string, make func() (channel.Provider, error)) {
		p, err := make()
		if err != nil {
			errs = append(errs, err)
			return
		}
		providers[kind] = p
	}
	if s.InboxDir != "" {
		inbox, err := channel.NewInbox(s.InboxDir)
		if err != nil {
			return nil, err
		}
		providers["email"], providers["sms"] = inbox, inbox
	}
	if s.SMTP != nil {
		add("email", func() (channel.Provider, error) { return channel.NewSMTP(*s.SMTP) })
	}
	if s.SMS != nil {
		add("sms", func() (channel.Provider, error) { return channel.NewSMS(*s.SMS) })
	}
	if s.Webhook != nil {
		add("webhook", func() (channel.Provider, error) { return channel.NewWebhook(*s.Webhook, c.Now) })
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return providers, nil
}
