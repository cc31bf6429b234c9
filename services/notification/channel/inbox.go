package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Inbox is a folder of .eml files that stands in for mail server and SMS gateway
// while developing. It is what the receiver would have: anyone who can open it
// reads every message and address. A message tried again replaces itself.
type Inbox struct{ dir string }

// NewInbox uses dir, and makes it when it is not there.
func NewInbox(dir string) (*Inbox, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make inbox: %w", err)
	}
	return &Inbox{dir: dir}, nil
}

var inboxName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,120}\.eml$`)

// Send implements Provider: the file is complete before it has its name.
func (i *Inbox) Send(_ context.Context, o Outgoing) error {
	name := o.Agency + "." + o.ID + ".eml"
	if !inboxName.MatchString(name) {
		return &Error{Code: "inbox_name", Permanent: true}
	}
	to := o.To
	if !strings.Contains(to, "@") {
		to = strings.TrimPrefix(to, "+") + "@sms.invalid" // a phone number, in the form of a mail address
	}
	o.To = to
	msg, err := compose("Hearth <inbox@hearth.invalid>", "hearth.invalid", o)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(i.dir, ".writing-*")
	if err != nil {
		return &Error{Code: "inbox_write"}
	}
	_, err = msg.WriteTo(f)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(i.dir, name))
	}
	if err != nil {
		return errors.Join(&Error{Code: "inbox_write"}, removeQuietly(f.Name()))
	}
	return nil
}

// removeQuietly removes a half-written file, which may be gone already.
func removeQuietly(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{Code: "inbox_write"}
	}
	return nil
}

// Letter is a message as the inbox shows it.
type Letter struct {
	Name    string    `json:"name"`
	Agency  string    `json:"agency"`
	ID      string    `json:"message_id"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	At      time.Time `json:"at"`
	Body    string    `json:"body"`
}

// Letters reads the newest messages, newest first.
func (i *Inbox) Letters(limit int) ([]Letter, error) {
	entries, err := os.ReadDir(i.dir)
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	type file struct {
		name string
		at   time.Time
	}
	var files []file
	for _, e := range entries {
		if !inboxName.MatchString(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read inbox: %w", err)
		}
		files = append(files, file{e.Name(), info.ModTime()})
	}
	slices.SortFunc(files, func(a, b file) int {
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return strings.Compare(b.name, a.name)
	})
	letters := make([]Letter, 0, min(limit, len(files)))
	for _, f := range files[:min(limit, len(files))] {
		l, err := i.letter(f.name)
		if err != nil {
			return nil, err
		}
		letters = append(letters, l)
	}
	return letters, nil
}

func (i *Inbox) letter(name string) (Letter, error) {
	msg, err := gomail.EMLToMsgFromFile(filepath.Join(i.dir, name))
	if err != nil {
		return Letter{}, fmt.Errorf("read inbox: %s: %w", name, err)
	}
	agency, id, _ := strings.Cut(strings.TrimSuffix(name, ".eml"), ".")
	l := Letter{Name: name, Agency: agency, ID: id}
	if to := msg.GetTo(); len(to) > 0 {
		l.To = to[0].Address
	}
	if s := msg.GetGenHeader(gomail.HeaderSubject); len(s) > 0 {
		l.Subject = s[0]
		if decoded, err := new(mime.WordDecoder).DecodeHeader(s[0]); err == nil {
			l.Subject = decoded
		}
	}
	if d := msg.GetGenHeader(gomail.HeaderDate); len(d) > 0 {
		if at, err := mail.ParseDate(d[0]); err == nil {
			l.At = at.UTC()
		}
	}
	for _, part := range msg.GetParts() {
		body, err := part.GetContent()
		if err != nil {
			return Letter{}, fmt.Errorf("read inbox: %s: %w", name, err)
		}
		l.Body += strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	return l, nil
}

var inboxPage = template.Must(template.New("inbox").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Inbox</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}article{border-top:1px solid #ccc;padding:1rem 0}pre{white-space:pre-wrap;font:inherit;margin:.5rem 0}small{color:#555}</style>
<h1>Inbox</h1><p>Messages this development server would have sent, newest first.</p>
{{range .}}<article><strong>{{.Subject}}</strong><br><small>{{.Agency}} · to {{.To}} · {{.At.Format "2006-01-02 15:04"}} UTC</small><pre>{{.Body}}</pre></article>{{else}}<p>Nothing yet.</p>{{end}}
</html>
`))

// ServeHTTP shows the newest 200 messages: as JSON (?format=json, or when JSON is
// accepted and HTML is not), else as a page.
func (i *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The inbox is only for reading.", http.StatusMethodNotAllowed)
		return
	}
	letters, err := i.Letters(200)
	if err != nil {
		http.Error(w, "The inbox cannot be read.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	accept := r.Header.Get("Accept")
	if r.URL.Query().Get("format") == "json" || strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html") {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"items": letters}); err != nil {
			return // the reader left
		}
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := inboxPage.Execute(w, letters); err != nil {
		return // the reader left
	}
}
