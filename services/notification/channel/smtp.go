package channel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/wneessen/go-mail"
)

// SMTPConfig says how mail is sent.
type SMTPConfig struct {
	// Host is the mail server.
	Host string `yaml:"host"`
	// Port is the server's; 0 is 587, or 465 with tls "implicit".
	Port int `yaml:"port"`
	// From is the sender: an address, or a name and an address in angle
	// brackets. The name must be neutral: families see it.
	From string `yaml:"from"`
	// Username and PasswordFile authenticate; both empty: no authentication.
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	// TLS is "starttls" (the default, refused without it), "implicit" (TLS from the start) or "none" (a server on this machine only).
	TLS string `yaml:"tls"`
	// Domain is the right side of the Message-ID and the name given to the server (HELO); empty is the sender's domain.
	Domain string `yaml:"domain"`
}

// SMTP sends mail to a server, a connection a message.
type SMTP struct {
	config  SMTPConfig
	options []mail.Option
}

// NewSMTP checks a configuration. It does not connect.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	probe := mail.NewMsg()
	if err := probe.From(c.From); err != nil {
		return nil, errors.New("smtp: from: must be a mail address, or a name and an address in angle brackets")
	}
	if c.Domain == "" {
		_, c.Domain, _ = strings.Cut(strings.Trim(probe.GetFromString()[0][strings.LastIndex(probe.GetFromString()[0], "<")+1:], "<>"), "@")
	}
	options := []mail.Option{mail.WithTimeout(Timeout), mail.WithoutNoop(), mail.WithoutRset(), mail.WithHELO(c.Domain)}
	switch c.TLS {
	case "", "starttls":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "implicit":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("smtp: tls: %q is none of starttls, implicit, none", c.TLS)
	}
	switch {
	case c.Port != 0:
	case c.TLS == "implicit":
		c.Port = 465
	default:
		c.Port = 587
	}
	options = append(options, mail.WithPort(c.Port))
	if c.Username != "" {
		password, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("smtp: password_file: %w", err)
		}
		if c.TLS == "none" {
			return nil, errors.New("smtp: a password is not sent without TLS")
		}
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.Username), mail.WithPassword(strings.TrimSpace(string(password))))
	}
	if _, err := mail.NewClient(c.Host, options...); err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	return &SMTP{config: c, options: options}, nil
}

// Send implements Provider.
func (s *SMTP) Send(ctx context.Context, o Outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	msg, err := compose(s.config.From, s.config.Domain, o)
	if err != nil {
		return err
	}
	client, err := mail.NewClient(s.config.Host, s.options...)
	if err != nil {
		return &Error{Code: "smtp_misconfigured"}
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil {
		return nil
	}
	var failed *mail.SendError
	if !errors.As(err, &failed) {
		return interrupted(ctx, "smtp") // dialling, TLS, authentication: for an operator to mend
	}
	if failed.Reason == mail.ErrSMTPReset || failed.Reason == mail.ErrSMTPDataClose && failed.ErrorCode() == 0 {
		// The server's yes may have been lost: tried again under the same Message-ID.
		return &Error{Code: "smtp_answer_lost"}
	}
	code := failed.ErrorCode()
	recipient := failed.Reason == mail.ErrSMTPRcptTo || failed.Reason == mail.ErrSMTPData || failed.Reason == mail.ErrSMTPDataClose
	return &Error{Code: fmt.Sprintf("smtp_%d", code), Permanent: recipient && code >= 500 && code < 600}
}

// compose writes the mail: plain text, marked as automatic (RFC 3834) so that
// no absence notice answers it.
func compose(from, domain string, o Outgoing) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(from); err != nil {
		return nil, &Error{Code: "sender_malformed"}
	}
	if err := msg.To(o.To); err != nil {
		return nil, &Error{Code: "address_malformed", Permanent: true}
	}
	msg.SetMessageIDWithValue(o.ID + "@" + domain)
	msg.SetDateWithValue(o.At)
	msg.Subject(o.Subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("Content-Language", o.Language)
	msg.SetBodyString(mail.TypeTextPlain, o.Body)
	return msg, nil
}
