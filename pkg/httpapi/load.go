package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// loader turns the parts of one OpenAPI file into operations.
type loader struct {
	root map[string]any

	mu       sync.Mutex // the compiler is not safe for answers compiled late
	compiler *jsonschema.Compiler
}

// operation compiles the operation that stands at the pointer at.
func (l *loader) operation(at, path, method string, item, op map[string]any) (*Operation, error) {
	o := &Operation{ID: text(op["operationId"]), Method: method, Path: path, BodyLimit: DefaultBodyLimit}
	if o.ID == "" {
		return nil, fmt.Errorf("needs an operationId")
	}
	var err error
	if o.segments, err = parseTemplate(path); err != nil {
		return nil, err
	}
	if security, ok := op["security"].([]any); ok {
		o.Public = len(security) == 0
	}
	if stream, ok := op["x-hearth-stream"].(bool); ok {
		o.Stream = stream
	}
	if limit, ok := op["x-hearth-body-limit"]; ok {
		n, ok := integer(limit)
		if !ok || n < 1 {
			return nil, fmt.Errorf("x-hearth-body-limit is a number of bytes")
		}
		o.BodyLimit = n
	}
	itemAt := at[:strings.LastIndex(at, "/")]
	if o.parameters, err = l.parameters(itemAt, item["parameters"], nil); err != nil {
		return nil, err
	}
	if o.parameters, err = l.parameters(at, op["parameters"], o.parameters); err != nil {
		return nil, err
	}
	for _, s := range o.segments {
		declared := slices.ContainsFunc(o.parameters, func(p *parameter) bool { return p.in == "path" && p.name == s.param })
		if s.param != "" && !declared {
			return nil, fmt.Errorf("path parameter %s is not declared", s.param)
		}
	}
	if op["requestBody"] != nil && !o.Stream {
		if o.body, err = l.requestBody(at+"/requestBody", object(op["requestBody"])); err != nil {
			return nil, fmt.Errorf("requestBody: %w", err)
		}
	}
	o.responses, err = l.responses(at+"/responses", object(op["responses"]))
	return o, err
}

// parameters compiles a list of parameters; one that is already in the list
// (from the path) is replaced by its namesake.
func (l *loader) parameters(at string, list any, into []*parameter) ([]*parameter, error) {
	items, _ := list.([]any)
	for i, item := range items {
		where, p, err := l.resolve(at+"/parameters/"+fmt.Sprint(i), object(item))
		if err != nil {
			return nil, err
		}
		name, in := text(p["name"]), text(p["in"])
		schema := object(p["schema"])
		if schema == nil || p["content"] != nil || !slices.Contains([]string{"path", "query", "header"}, in) {
			return nil, fmt.Errorf("parameter %s: only path, query and header parameters with a schema are known", name)
		}
		if style := text(p["style"]); style != "" && style != map[string]string{"path": "simple", "query": "form", "header": "simple"}[in] {
			return nil, fmt.Errorf("parameter %s: style %s is not known", name, style)
		}
		compiled, err := l.compile(where + "/schema")
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		q := &parameter{name: name, in: in, schema: compiled, explode: in == "query"}
		q.required, _ = p["required"].(bool)
		if explode, ok := p["explode"].(bool); ok {
			q.explode = explode
		}
		if q.types, err = l.types(schema, 0); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		if slices.Contains(q.types, "array") {
			q.list = true
			_, items, err := l.resolve("", object(schema["items"]))
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", name, err)
			}
			if q.types, err = l.types(items, 0); err != nil {
				return nil, fmt.Errorf("parameter %s: %w", name, err)
			}
		}
		into = slices.DeleteFunc(into, func(o *parameter) bool { return o.name == q.name && o.in == q.in })
		into = append(into, q)
	}
	return into, nil
}

// requestBody compiles a request body's schemas by media type.
func (l *loader) requestBody(at string, node map[string]any) (*body, error) {
	at, node, err := l.resolve(at, node)
	if err != nil {
		return nil, err
	}
	b := &body{content: map[string]*jsonschema.Schema{}}
	b.required, _ = node["required"].(bool)
	for media, entry := range object(node["content"]) {
		media = strings.ToLower(media)
		b.content[media] = nil
		if object(entry)["schema"] == nil || !isJSON(media) {
			continue
		}
		if b.content[media], err = l.compile(at + pointer("content", media, "schema")); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (l *loader) responses(at string, nodes map[string]any) (map[string]map[string]*lazySchema, error) {
	answers := map[string]map[string]*lazySchema{}
	for status, node := range nodes {
		where, answer, err := l.resolve(at+pointer(status), object(node))
		if err != nil {
			return nil, fmt.Errorf("response %s: %w", status, err)
		}
		answers[status] = map[string]*lazySchema{}
		for media, entry := range object(answer["content"]) {
			lazy := &lazySchema{compile: func() (*jsonschema.Schema, error) { return nil, nil }}
			if object(entry)["schema"] != nil && isJSON(media) {
				lazy.compile = func() (*jsonschema.Schema, error) { return l.compile(where + pointer("content", media, "schema")) }
			}
			answers[status][strings.ToLower(media)] = lazy
		}
	}
	return answers, nil
}

// compile compiles the schema at an RFC 6901 pointer into the file.
func (l *loader) compile(at string) (*jsonschema.Schema, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	schema, err := l.compiler.Compile(specURL + "#" + fragment(at))
	if err != nil {
		return nil, fmt.Errorf("schema at %s: %w", at, err)
	}
	return schema, nil
}

// fragment writes a pointer as a URI fragment: braces and the like escaped.
func fragment(pointer string) string {
	tokens := strings.Split(pointer, "/")
	for i, t := range tokens {
		tokens[i] = url.PathEscape(t)
	}
	return strings.Join(tokens, "/")
}

// resolve follows a local $ref, and returns where the thing stands.
func (l *loader) resolve(at string, node map[string]any) (string, map[string]any, error) {
	for range 20 {
		ref := text(node["$ref"])
		if ref == "" {
			return at, node, nil
		}
		path, ok := strings.CutPrefix(ref, "#/")
		if !ok {
			return "", nil, fmt.Errorf("$ref %s: only references into the same file are followed", ref)
		}
		found := any(l.root)
		for token := range strings.SplitSeq(path, "/") {
			found = object(found)[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		}
		if object(found) == nil {
			return "", nil, fmt.Errorf("$ref %s leads nowhere", ref)
		}
		at, node = "/"+path, object(found)
	}
	return "", nil, fmt.Errorf("$ref at %s goes in a circle", at)
}

// types collects the JSON types a schema lets through, as far as it names them.
func (l *loader) types(schema map[string]any, depth int) ([]string, error) {
	if depth > 10 {
		return nil, fmt.Errorf("the schema nests too deeply")
	}
	_, schema, err := l.resolve("", schema)
	if err != nil {
		return nil, err
	}
	var types []string
	switch t := schema["type"].(type) {
	case string:
		types = append(types, t)
	case []any:
		for _, name := range t {
			types = append(types, text(name))
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		subs, _ := schema[key].([]any)
		for _, sub := range subs {
			more, err := l.types(object(sub), depth+1)
			if err != nil {
				return nil, err
			}
			types = append(types, more...)
		}
	}
	return types, nil
}

// parseTemplate splits a path template; a segment holds at most one parameter.
func parseTemplate(path string) ([]segment, error) {
	var segments []segment
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		before, rest, found := strings.Cut(part, "{")
		if !found {
			segments = append(segments, segment{prefix: part})
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.ContainsAny(after, "{}") {
			return nil, fmt.Errorf("segment %q: one {parameter} with text around it", part)
		}
		segments = append(segments, segment{prefix: before, param: name, suffix: after})
	}
	return segments, nil
}

// isJSON says whether bodies of a media type are JSON documents.
func isJSON(media string) bool {
	media, _, _ = strings.Cut(strings.ToLower(media), ";")
	media = strings.TrimSpace(media)
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// integer reads a whole number as YAML decoders give it.
func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case uint64:
		return int64(n), n < 1<<62
	case float64:
		return int64(n), n == float64(int64(n))
	}
	return 0, false
}
