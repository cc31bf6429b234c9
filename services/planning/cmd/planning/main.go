// Command planning runs the planning service.
package main

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/planning"
)

func main() { app.Main(planning.Service()) }
