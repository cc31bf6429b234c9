// Command generate writes what follows from helm/lib/schema.yaml, the charts' own
// schema.yaml and deploy/observability: each chart's values.yaml, values.schema.json
// and files/, and the tables of helm/README.md. It is run from the project's top.
package main

import (
	"fmt"
	"os"

	"github.com/hearthfps/hearth/scripts/charts/values"
)

func main() {
	files, err := values.Generate(".")
	if err == nil {
		err = values.Write(".", files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate charts:", err)
		os.Exit(1)
	}
}
