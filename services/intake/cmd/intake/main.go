// Command intake runs the intake service alone.
package main

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/intake"
)

func main() { app.Main(intake.Service()) }
