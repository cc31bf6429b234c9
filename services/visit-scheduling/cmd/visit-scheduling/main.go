// Command visit-scheduling runs the visit scheduling service.
package main

import (
	"github.com/hearthfps/hearth/pkg/app"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
)

func main() { app.Main(visitscheduling.Service()) }
