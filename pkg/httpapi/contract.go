package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// DefaultBodyLimit is how many bytes of body are read when the operation does not say.
const DefaultBodyLimit = 1 << 20

// Contract is one or more OpenAPI 3.1 files, compiled to check requests and
// answers. Full paths are the path of servers[0].url, of the path's own servers if
// it has any, followed by the path.
//
// What it knows of OpenAPI: path, query and header parameters with a schema and
// the default style (arrays: explode true or false); request and response bodies
// by media type; components by local $ref; `security`. It refuses to load a file
// that uses more. Two extensions of ours, on an operation:
//
//	x-hearth-body-limit: 4194304   bytes of body that are read (default 1 MiB)
//	x-hearth-stream: true          the handler reads the body itself, of any length;
//	                               it is neither read, bounded nor checked here
type Contract struct {
	operations []*Operation
	// byShape finds the operations a path may belong to: by method, then by
	// number of segments, most literal first.
	byShape map[int][]*Operation
}

// Operation is one method on one path.
type Operation struct {
	ID     string
	Method string
	// Path is the full template: /intake/v1/referrals/{referral_id}:screen.
	Path string
	// Public says that the operation asks for no token.
	Public bool
	// Stream says that the handler reads the body itself.
	Stream bool
	// BodyLimit is how many bytes of body are read.
	BodyLimit int64

	segments   []segment
	parameters []*parameter
	body       *body
	responses  map[string]map[string]*lazySchema // status or "default" → media type → schema
}

// segment is one part between slashes: literal text around at most one parameter.
type segment struct {
	prefix, param, suffix string
}

type parameter struct {
	name, in string
	required bool
	types    []string // JSON types its text may be read as
	list     bool
	explode  bool
	schema   *jsonschema.Schema
}

type body struct {
	required bool
	content  map[string]*jsonschema.Schema // nil: any content of that type
}

// lazySchema is compiled at its first use: answers are checked in tests alone.
type lazySchema struct {
	once    sync.Once
	compile func() (*jsonschema.Schema, error)
	schema  *jsonschema.Schema
	err     error
}

func (l *lazySchema) get() (*jsonschema.Schema, error) {
	l.once.Do(func() { l.schema, l.err = l.compile() })
	return l.schema, l.err
}

// LoadContract compiles an OpenAPI file, YAML or JSON. The error says where the
// file uses something that is not known here, or is wrong.
func LoadContract(spec []byte) (*Contract, error) {
	var root map[string]any
	if err := yaml.Unmarshal(spec, &root); err != nil {
		return nil, fmt.Errorf("read OpenAPI file: %w", err)
	}
	if version := text(root["openapi"]); !strings.HasPrefix(version, "3.1") {
		return nil, fmt.Errorf("OpenAPI version %q: only 3.1 files are read", version)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(specURL, any(root)); err != nil {
		return nil, fmt.Errorf("read OpenAPI file: %w", err)
	}
	l := &loader{root: root, compiler: compiler}
	c := &Contract{byShape: map[int][]*Operation{}}
	base, err := basePath(root)
	if err != nil {
		return nil, err
	}
	paths := object(root["paths"])
	for _, path := range sortedKeys(paths) {
		item := object(paths[path])
		base := base
		if item["servers"] != nil {
			if base, err = basePath(item); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		for method, upper := range methods {
			if item[method] == nil {
				continue
			}
			op, err := l.operation(pointer("paths", path, method), base+path, upper, item, object(item[method]))
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", upper, base+path, err)
			}
			c.operations = append(c.operations, op)
		}
	}
	return c, c.index()
}

// Merge adds the operations of other, and fails when both have the same method and path.
func (c *Contract) Merge(other *Contract) error {
	c.operations = append(slices.Clone(c.operations), other.operations...)
	return c.index()
}

// Operations lists what the contract holds, by path and method.
func (c *Contract) Operations() []*Operation { return slices.Clone(c.operations) }

// index sorts the operations for matching: literal before parameter.
func (c *Contract) index() error {
	slices.SortFunc(c.operations, func(a, b *Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	c.byShape = map[int][]*Operation{}
	for i, op := range c.operations {
		if i > 0 && c.operations[i-1].Path == op.Path && c.operations[i-1].Method == op.Method {
			return fmt.Errorf("%s %s is declared twice", op.Method, op.Path)
		}
		n := len(op.segments)
		c.byShape[n] = append(c.byShape[n], op)
	}
	for _, ops := range c.byShape {
		slices.SortStableFunc(ops, func(a, b *Operation) int { return compareShape(a.segments, b.segments) })
	}
	return nil
}

// compareShape orders templates of one length: at the first segment where they
// differ in kind, more literal text comes first.
func compareShape(a, b []segment) int {
	for i := range a {
		switch {
		case a[i].param == "" && b[i].param != "":
			return -1
		case a[i].param != "" && b[i].param == "":
			return 1
		}
		if d := len(b[i].prefix) + len(b[i].suffix) - len(a[i].prefix) - len(a[i].suffix); d != 0 {
			return d
		}
	}
	return 0
}

// match finds the operation of a request. When the path is known and the method
// is not, allowed lists the methods it has.
func (c *Contract) match(method, path string) (op *Operation, params map[string]string, allowed []string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	template := ""
	for _, candidate := range c.byShape[len(parts)] {
		if template != "" && candidate.Path != template {
			continue
		}
		values, ok := matchSegments(candidate.segments, parts)
		if !ok {
			continue
		}
		if candidate.Method == method {
			return candidate, values, nil
		}
		// Only the most specific template answers: an unknown method on it is 405.
		template = candidate.Path
		allowed = append(allowed, candidate.Method)
	}
	return nil, nil, allowed
}

func matchSegments(segments []segment, parts []string) (map[string]string, bool) {
	var values map[string]string
	for i, s := range segments {
		if s.param == "" {
			if parts[i] != s.prefix {
				return nil, false
			}
			continue
		}
		value, ok := strings.CutPrefix(parts[i], s.prefix)
		if !ok {
			return nil, false
		}
		value, ok = strings.CutSuffix(value, s.suffix)
		if !ok || value == "" {
			return nil, false
		}
		if values == nil {
			values = map[string]string{}
		}
		values[s.param] = value
	}
	return values, true
}

// sample is a path that the template matches, to see where a router sends it.
func (op *Operation) sample() string {
	var b strings.Builder
	for _, s := range op.segments {
		b.WriteString("/" + s.prefix)
		if s.param != "" {
			b.WriteString("0" + s.suffix)
		}
	}
	return b.String()
}

const specURL = "hearth:openapi"

var methods = map[string]string{"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}

// basePath is the path of the first server of a file or of a path, without a slash
// at its end.
func basePath(root map[string]any) (string, error) {
	servers, _ := root["servers"].([]any)
	if len(servers) == 0 {
		return "", nil
	}
	u, err := url.Parse(text(object(servers[0])["url"]))
	if err != nil {
		return "", fmt.Errorf("servers[0].url: %w", err)
	}
	return strings.TrimSuffix(u.Path, "/"), nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// pointer joins unescaped tokens to an RFC 6901 pointer.
func pointer(tokens ...string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString("/" + pointerEscaper.Replace(t))
	}
	return b.String()
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
