// Command pack packs every chart with all it includes, ready for `helm install` or
// `helm push`, into the folder it is given.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hearthfps/hearth/scripts/charts"
)

func main() {
	log.SetOutput(io.Discard) // Helm's loader tells of every symbolic link it follows
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "pack: want the folder to pack into")
		os.Exit(2)
	}
	archives, err := charts.Pack(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, archive := range archives {
		fmt.Println(archive)
	}
}
