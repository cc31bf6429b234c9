package channel

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	smtpmock "github.com/mocktools/go-smtp-mock/v2"
)

var letter = Outgoing{
	ID: "019aa7c5-0b2a-7e19-a7a3-90cc61d2b8f4", Agency: "lakeland", To: "parent@example.org", Language: "fi",
	Subject: "Muistutus tapaamisesta", Body: "Hei,\ntapaamme tiistaina klo 14.00. Äänekosken perhekeskus\n",
	At: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
}

func mailServer(t *testing.T, c smtpmock.ConfigurationAttr) *smtpmock.Server {
	t.Helper()
	server := smtpmock.New(c)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func smtpTo(t *testing.T, port int) *SMTP {
	t.Helper()
	s, err := NewSMTP(SMTPConfig{Host: "127.0.0.1", Port: port, From: "Lakeland <post@lakeland.example>", TLS: "none"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSMTP_SendsWithAStableMessageID(t *testing.T) {
	server := mailServer(t, smtpmock.ConfigurationAttr{})
	provider := smtpTo(t, server.PortNumber())
	for range 2 {
		if err := provider.Send(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	messages, err := server.WaitForMessages(2, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		text := m.MsgRequest()
		for _, want := range []string{
			"Message-ID: <019aa7c5-0b2a-7e19-a7a3-90cc61d2b8f4@lakeland.example>", "Auto-Submitted: auto-generated",
			"Content-Language: fi", "Subject: Muistutus tapaamisesta", "Date: Tue, 24 Nov 2026 12:00:00 +0000",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		if got := m.RcpttoRequestResponse()[0][0]; got != "RCPT TO:<parent@example.org>" {
			t.Errorf("to: got %s", got)
		}
	}
}

func TestSMTP_WhatMayPassLaterAndWhatNeverWill(t *testing.T) {
	for _, tc := range []struct {
		name      string
		config    smtpmock.ConfigurationAttr
		permanent bool
		code      string
	}{
		{"mailbox unknown", smtpmock.ConfigurationAttr{NotRegisteredEmails: []string{letter.To}, MsgRcpttoNotRegisteredEmail: "550 5.1.1 parent@example.org unknown"}, true, "smtp_550"},
		{"greylisted", smtpmock.ConfigurationAttr{BlacklistedRcpttoEmails: []string{letter.To}, MsgRcpttoBlacklistedEmail: "451 4.7.1 later, parent@example.org"}, false, "smtp_451"},
		{"too large", smtpmock.ConfigurationAttr{MsgSizeLimit: 10, MsgMsgSizeIsTooBig: "552 5.3.4 too big"}, true, "smtp_552"},
	} {
		server := mailServer(t, tc.config)
		err := smtpTo(t, server.PortNumber()).Send(t.Context(), letter)
		if err == nil || Permanent(err) != tc.permanent || Code(err) != tc.code {
			t.Errorf("%s: got %v, permanent %v", tc.name, err, Permanent(err))
		}
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "parent@") {
			t.Errorf("%s: the error repeats the address: %v", tc.name, err)
		}
	}
	err := smtpTo(t, unusedPort(t)).Send(t.Context(), letter)
	if err == nil || Permanent(err) || Code(err) != "smtp_unreachable" {
		t.Errorf("no server: got %v", err)
	}
	bad := letter
	bad.To = "not an address"
	if err := smtpTo(t, 1).Send(t.Context(), bad); !Permanent(err) || Code(err) != "address_malformed" {
		t.Errorf("malformed address: got %v", err)
	}
}

func TestSMTP_ConfigurationIsChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]SMTPConfig{
		"no sender":                  {Host: "mail.example"},
		"no host":                    {From: "a@b.example"},
		"unknown tls":                {Host: "mail.example", From: "a@b.example", TLS: "maybe"},
		"password file missing":      {Host: "mail.example", From: "a@b.example", Username: "u", PasswordFile: "/nowhere/at/all"},
		"password without any TLS":   {Host: "mail.example", From: "a@b.example", Username: "u", PasswordFile: file, TLS: "none"},
		"port that cannot be a port": {Host: "mail.example", From: "a@b.example", Port: 70000},
	} {
		if _, err := NewSMTP(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	s, err := NewSMTP(SMTPConfig{Host: "mail.example", From: "Lakeland <a@b.example>"})
	if err != nil || s.config.Domain != "b.example" || s.config.Port != 587 {
		t.Errorf("got %+v (%v)", s, err)
	}
}

func TestInbox_KeepsALetterOnceAndShowsIt(t *testing.T) {
	inbox, err := NewInbox(filepath.Join(t.TempDir(), "inbox"))
	if err != nil {
		t.Fatal(err)
	}
	sms := letter
	sms.ID, sms.To = "019aa7c5-0b2a-7e19-a7a3-90cc61d2b8f5", "+358401234567"
	for _, o := range []Outgoing{letter, letter, sms} {
		if err := inbox.Send(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(inbox)
	defer server.Close()
	var page struct{ Items []Letter }
	if err := json.Unmarshal(get(t, server.URL+"?format=json"), &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != 2 {
		t.Fatalf("got %d letters, want 2: %+v", len(page.Items), page.Items)
	}
	byID := map[string]Letter{}
	for _, l := range page.Items {
		byID[l.ID] = l
	}
	got := byID[letter.ID]
	if got.To != letter.To || got.Subject != letter.Subject || got.Body != letter.Body || !got.At.Equal(letter.At) || got.Agency != "lakeland" {
		t.Errorf("got %+v", got)
	}
	if to := byID[sms.ID].To; to != "358401234567@sms.invalid" {
		t.Errorf("the SMS went to %s", to)
	}
	if html := string(get(t, server.URL)); !strings.Contains(html, "Muistutus tapaamisesta") {
		t.Errorf("page: %s", html)
	}
}

func TestInbox_TextIsNotMarkupAndNamesAreNotPaths(t *testing.T) {
	inbox, err := NewInbox(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := letter
	o.Body = "<script>alert(1)</script>"
	if err := inbox.Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	inbox.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/dev/inbox", nil))
	if strings.Contains(w.Body.String(), "<script>") {
		t.Error("a letter's text is taken for markup")
	}
	o.ID = "../../etc/x"
	if err := inbox.Send(t.Context(), o); !Permanent(err) {
		t.Errorf("an id that is a path: got %v", err)
	}
}

func TestWebhook_IsSignedAsStandardWebhooksSays(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	now := time.Unix(1700000000, 0)
	hook, err := NewWebhook(WebhookConfig{SecretFile: secret}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	alert := letter
	alert.To = server.URL
	if err := hook.Send(t.Context(), alert); err != nil {
		t.Fatal(err)
	}
	if header.Get("webhook-id") != "msg_"+letter.ID || header.Get("webhook-timestamp") != "1700000000" {
		t.Errorf("got headers %v", header)
	}
	if want := "v1," + Sign(key, "msg_"+letter.ID, "1700000000", body); header.Get("webhook-signature") != want {
		t.Errorf("signature: got %s, want %s", header.Get("webhook-signature"), want)
	}
	alert.To = "http://alerts.example/hook"
	if err := hook.Send(t.Context(), alert); !Permanent(err) || Code(err) != "webhook_url" {
		t.Errorf("a webhook without TLS: got %v", err)
	}
}

func TestSign_KnownAnswer(t *testing.T) {
	// printf '%s' 'msg_a.1700000000.{"x":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | base64
	const want = "JyM8bv/OR4fIe6FxG2P/5EUZybrgvqwXSaMYQlzLwVs="
	if got := Sign([]byte("0123456789abcdef0123456789abcdef"), "msg_a", "1700000000", []byte(`{"x":1}`)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSMS_PostsWithAnIdempotencyKeyAndClassifiesAnswers(t *testing.T) {
	answer := http.StatusAccepted
	var header http.Header
	var body map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		w.WriteHeader(answer)
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sms, err := NewSMS(SMSConfig{URL: server.URL, TokenFile: token, From: "Lakeland"})
	if err != nil {
		t.Fatal(err)
	}
	o := letter
	o.To = "+358401234567"
	if err := sms.Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if header.Get("Idempotency-Key") != o.ID || header.Get("Authorization") != "Bearer t0ken" || body["to"] != o.To {
		t.Errorf("got %v %v", header, body)
	}
	for code, permanent := range map[int]bool{400: true, 404: true, 429: false, 500: false, 503: false, 302: true} {
		answer = code
		err := sms.Send(t.Context(), o)
		if err == nil || Permanent(err) != permanent || Code(err) != fmt.Sprintf("sms_%d", code) {
			t.Errorf("%d: got %v, permanent %v", code, err, Permanent(err))
		}
	}
	server.Close()
	if err := sms.Send(t.Context(), o); err == nil || Permanent(err) || strings.Contains(err.Error(), "358") {
		t.Errorf("gateway away: got %v", err)
	}
}

func TestOutgoing_DoesNotShowAddressOrText(t *testing.T) {
	if got := fmt.Sprintf("%v %s", letter, letter); strings.Contains(got, "parent") || strings.Contains(got, "Hei") {
		t.Errorf("got %s", got)
	}
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(answer.Body)
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d (%v)", url, answer.StatusCode, err)
	}
	return data
}

// unusedPort is a port nothing listens on.
func unusedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}
