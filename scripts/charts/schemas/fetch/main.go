// Command fetch brings the schemas that the charts' tests validate against.
package main

import (
	"fmt"
	"os"

	"github.com/hearthfps/hearth/scripts/charts/schemas"
)

func main() {
	if err := schemas.Fetch(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
