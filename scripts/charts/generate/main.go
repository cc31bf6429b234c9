// Command generate writes what follows from helm/lib/schema.yaml, the charts' own
// schema.yaml, their templates and deploy/observability: each chart's values.yaml,
// values.schema.json and files/, the tables and the graph of helm/README.md, and the
// graph as data. It is run from the project's top.
package main

import (
	"fmt"
	"io"
	"log"
	"maps"
	"os"

	"github.com/hearthfps/hearth/scripts/charts"
	"github.com/hearthfps/hearth/scripts/charts/values"
)

func main() {
	log.SetOutput(io.Discard) // Helm's loader tells of every symbolic link it follows
	if err := generate("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate charts:", err)
		os.Exit(1)
	}
}

func generate(root string) error {
	files, err := values.Generate(root)
	if err != nil {
		return err
	}
	if err := values.Write(root, files); err != nil { // the graph is of the charts with these
		return err
	}
	graph, err := charts.Generate(root, files["helm/README.md"])
	if err != nil {
		return err
	}
	maps.Copy(files, graph)
	return values.Write(root, files)
}
