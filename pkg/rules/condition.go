package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
)

// Type is what a variable of a condition holds.
type Type uint8

const (
	Text     Type = iota // string
	Number               // int64
	Decimal              // float64
	Truth                // bool
	Moment               // time.Time
	TextList             // []string
	TextMap              // map[string]string
	Object               // map[string]any; what is not in it fails the condition
)

func (t Type) cel() *cel.Type {
	switch t {
	case Number:
		return cel.IntType
	case Decimal:
		return cel.DoubleType
	case Truth:
		return cel.BoolType
	case Moment:
		return cel.TimestampType
	case TextList:
		return cel.ListType(cel.StringType)
	case TextMap:
		return cel.MapType(cel.StringType, cel.StringType)
	case Object:
		return cel.MapType(cel.StringType, cel.DynType)
	}
	return cel.StringType
}

const (
	// costLimit bounds one evaluation, in the units of CEL's cost model: a few
	// thousand comparisons, some milliseconds at worst.
	costLimit = 100_000
	// sizeLimit bounds the text of a condition.
	sizeLimit = 4096
)

// Language is what conditions of one kind may speak of.
type Language struct {
	env       *cel.Env
	variables []string
}

// NewLanguage declares variables by name.
func NewLanguage(variables map[string]Type) (*Language, error) {
	options := []cel.EnvOption{cel.ParserExpressionSizeLimit(sizeLimit), cel.ParserRecursionLimit(50)}
	names := slices.Sorted(maps.Keys(variables))
	for _, name := range names {
		options = append(options, cel.Variable(name, variables[name].cel()))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("declare variables: %w", err)
	}
	return &Language{env, names}, nil
}

// Condition is a compiled expression that is true or false. It may be used from
// many goroutines.
type Condition struct {
	text    string
	program cel.Program
}

// Condition compiles an expression. The error says where it is wrong.
func (l *Language) Condition(text string) (*Condition, error) {
	program, err := l.compile(text)
	if err != nil {
		return nil, err
	}
	return &Condition{text, program}, nil
}

func (l *Language) compile(text string) (program cel.Program, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("condition %q cannot be compiled", text)
		}
	}()
	if text == "" {
		return nil, errors.New("a condition is not empty: write true for always")
	}
	ast, issues := l.env.Compile(text)
	if issues != nil && issues.Err() != nil {
		return nil, fmt.Errorf("condition %q: %w", text, issues.Err())
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("condition %q: is %s, must be true or false", text, ast.OutputType())
	}
	program, err = l.env.Program(ast, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("condition %q: %w", text, err)
	}
	return program, nil
}

// String is the condition as it is written.
func (c *Condition) String() string { return c.text }

// True evaluates the condition. It fails when a variable it needs is missing or
// of another type, when it divides by zero and the like, or costs too much. The
// error names the condition and holds no value.
func (c *Condition) True(values map[string]any) (truth bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			truth, err = false, fmt.Errorf("condition %q broke", c.text)
		}
	}()
	out, _, err := c.program.Eval(values)
	if err != nil {
		return false, fmt.Errorf("condition %q cannot be decided: %w", c.text, errors.New(blame(err)))
	}
	truth, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("condition %q is neither true nor false", c.text)
	}
	return truth, nil
}
