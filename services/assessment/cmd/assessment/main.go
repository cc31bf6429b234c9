// Command assessment runs the assessment service.
package main

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/assessment"
)

func main() { app.Main(assessment.Service()) }
