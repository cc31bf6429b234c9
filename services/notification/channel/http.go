package channel

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// SMSConfig says how text messages are sent: a JSON POST to a gateway.
type SMSConfig struct {
	// URL takes the POST; https, unless the gateway is on this machine.
	URL string `yaml:"url"`
	// TokenFile holds the bearer token; empty: none is sent.
	TokenFile string `yaml:"token_file"`
	// From is the sender's name or number, as the gateway allows. It must be neutral.
	From string `yaml:"from"`
}

// SMS posts {"id", "to", "from", "text"} to a gateway; the id, sent as
// Idempotency-Key too, lets the gateway drop a repeat.
type SMS struct {
	config SMSConfig
	token  string
	client *http.Client
}

// NewSMS checks a configuration. It does not connect.
func NewSMS(c SMSConfig) (*SMS, error) {
	if err := endpoint("sms", c.URL); err != nil {
		return nil, err
	}
	token, err := secret("sms: token_file", c.TokenFile)
	if err != nil {
		return nil, err
	}
	return &SMS{config: c, token: token, client: client()}, nil
}

// Send implements Provider.
func (s *SMS) Send(ctx context.Context, o Outgoing) error {
	body, err := json.Marshal(map[string]string{"id": o.ID, "to": o.To, "from": s.config.From, "text": strings.TrimSpace(o.Body)})
	if err != nil {
		return &Error{Code: "sms_encode", Permanent: true}
	}
	header := http.Header{"Idempotency-Key": {o.ID}}
	if s.token != "" {
		header.Set("Authorization", "Bearer "+s.token)
	}
	return post(ctx, s.client, "sms", s.config.URL, header, body)
}

// WebhookConfig says how alerts to a duty team's webhook are signed. Where they
// go is in the agency's file.
type WebhookConfig struct {
	// SecretFile holds the signing secret: base64, with or without the prefix whsec_.
	SecretFile string `yaml:"secret_file"`
}

// Webhook posts {"id", "agency", "subject", "text"} signed as Standard Webhooks
// 1.0 says: webhook-id, webhook-timestamp and webhook-signature.
type Webhook struct {
	key    []byte
	client *http.Client
	now    func() time.Time
}

// NewWebhook checks a configuration. It does not connect. now is the time that is signed.
func NewWebhook(c WebhookConfig, now func() time.Time) (*Webhook, error) {
	text, err := secret("webhook: secret_file", c.SecretFile)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("webhook: secret_file: must hold 24 to 64 bytes in base64")
	}
	return &Webhook{key: key, client: client(), now: now}, nil
}

// Send implements Provider. The URL must be https, unless it is on this machine.
func (w *Webhook) Send(ctx context.Context, o Outgoing) error {
	if err := endpoint("webhook", o.To); err != nil {
		return &Error{Code: "webhook_url", Permanent: true}
	}
	body, err := json.Marshal(map[string]string{"id": o.ID, "agency": o.Agency, "subject": o.Subject, "text": o.Body})
	if err != nil {
		return &Error{Code: "webhook_encode", Permanent: true}
	}
	stamp := strconv.FormatInt(w.now().Unix(), 10)
	header := http.Header{}
	header.Set("webhook-id", "msg_"+o.ID)
	header.Set("webhook-timestamp", stamp)
	header.Set("webhook-signature", "v1,"+Sign(w.key, "msg_"+o.ID, stamp, body))
	return post(ctx, w.client, "webhook", o.To, header, body)
}

// Sign is the Standard Webhooks signature: base64 of HMAC-SHA-256 over id.timestamp.body.
func Sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// client follows no redirect: a message goes where it was sent.
func client() *http.Client {
	return &http.Client{Timeout: Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func post(ctx context.Context, client *http.Client, what, to string, header http.Header, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return &Error{Code: what + "_misconfigured"}
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return interrupted(ctx, what)
	}
	// The answer's text is not needed; reading a little lets the connection be used again.
	_, err = io.CopyN(io.Discard, answer.Body, 64<<10)
	if closed := answer.Body.Close(); closed != nil || err != nil && !errors.Is(err, io.EOF) {
		return interrupted(ctx, what)
	}
	return status(what, answer.StatusCode)
}

func endpoint(what, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%s: url: must be an absolute http or https URL", what)
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
		return fmt.Errorf("%s: url: addresses are not sent unencrypted; use https", what)
	}
	return nil
}

func secret(what, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return strings.TrimSpace(string(data)), nil
}
