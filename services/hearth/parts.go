package hearth

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/services/hearth/embedded"
)

// parts is what the services stand on.
type parts struct {
	databases map[string]launch.Database
	kafka     []string
	redis     string
}

// parts starts those that no address was given for.
func (s *Suite) parts(ctx context.Context, o Options, log *slog.Logger) (parts, error) {
	var p parts
	var err error
	if p.databases, err = s.databases(ctx, o, log); err != nil {
		return p, err
	}
	if p.kafka = o.Kafka; len(p.kafka) == 0 {
		broker, err := embedded.StartBroker(filepath.Join(o.Data, "broker"), Topics()...)
		if err != nil {
			return p, err
		}
		s.close = append(s.close, func() error { broker.Close(); return nil })
		p.kafka = []string{broker.Addr}
	}
	s.Brokers = p.kafka
	if p.redis = o.RedisURL; p.redis == "" {
		cache, err := embedded.StartCache()
		if err != nil {
			return p, err
		}
		s.close = append(s.close, func() error { cache.Close(); return nil })
		p.redis = cache.URL
	}
	return p, nil
}

// databases makes sure of each service's database and roles.
func (s *Suite) databases(ctx context.Context, o Options, log *slog.Logger) (map[string]launch.Database, error) {
	server, err := s.server(ctx, o, log)
	if err != nil {
		return nil, err
	}
	all := map[string]launch.Database{}
	for _, svc := range Services() {
		d, err := server.Database(ctx, databaseName(svc.Name))
		if err != nil {
			return nil, fmt.Errorf("the database of %s: %w", svc.Name, err)
		}
		all[svc.Name] = d
		s.Databases[svc.Name] = server.AdminURL(databaseName(svc.Name))
	}
	return all, nil
}

// databaseServer makes databases.
type databaseServer interface {
	Database(ctx context.Context, name string) (launch.Database, error)
	AdminURL(database string) string
}

// server is the PostgreSQL that was named, or one started beside this process.
func (s *Suite) server(ctx context.Context, o Options, log *slog.Logger) (databaseServer, error) {
	if o.DatabaseURL != "" {
		return launch.At(o.DatabaseURL, filepath.Join(o.Data, "database-password"))
	}
	own, err := launch.Start(ctx, launch.Options{Dir: filepath.Join(o.Data, "postgres")})
	if err != nil {
		return nil, err
	}
	s.close = append(s.close, own.Close)
	own.Keep(log)
	return own, nil
}

// databaseName is the name of a service's database and of the role it works as.
func databaseName(service string) string { return "hearth_" + strings.ReplaceAll(service, "-", "_") }

// identity is who vouches for whom.
type identity struct {
	verifier *auth.Verifier
	minter   *auth.Minter // for the services themselves
}

// identity trusts the issuers given, the development issuer with --dev, and the
// key of this very process, by which the services know each other.
func (s *Suite) identity(o Options) (identity, error) {
	minter, err := auth.NewMinter("urn:hearth:process")
	if err != nil {
		return identity{}, err
	}
	trusted := append([]auth.Issuer{minter.Issuer(auth.RoleService)}, ofPeople(o.Issuers)...)
	if o.Dev {
		_, port, err := net.SplitHostPort(s.listener.Addr().String())
		if err != nil {
			return identity{}, err
		}
		// The identifier names the port alone: tokens outlive a restart, whatever address it listens on.
		s.Issuer, err = auth.NewDevIssuer(true, "http://localhost:"+port+issuerPath, o.Data)
		if err != nil {
			return identity{}, err
		}
		trusted = append(trusted, s.Issuer.Minter.Issuer())
	}
	verifier, err := auth.NewVerifier(trusted...)
	return identity{verifier: verifier, minter: minter}, err
}

// ofPeople are the issuers given, held to the roles of people: the services of this
// process know each other by its own key. Role admin, which reaches what names no
// agency, is given only by an issuer that speaks for all of them. An issuer whose
// roles are named keeps those.
func ofPeople(issuers []auth.Issuer) []auth.Issuer {
	held := slices.Clone(issuers)
	for i := range held {
		if len(held[i].Roles) > 0 {
			continue
		}
		held[i].Roles = slices.DeleteFunc(auth.Roles(), func(role string) bool {
			return role == auth.RoleService || role == auth.RoleAdmin && !slices.Contains(held[i].Agencies, "*")
		})
	}
	return held
}

// smtpSettings are the notification service's, for a mail server.
func smtpSettings(o Options) (map[string]any, error) {
	host, port, err := net.SplitHostPort(o.SMTP)
	if err != nil {
		return nil, fmt.Errorf("--smtp: want host:port: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("--smtp: %q is no port", port)
	}
	return map[string]any{"smtp": map[string]any{"host": host, "port": number, "from": o.SMTPFrom}}, nil
}
