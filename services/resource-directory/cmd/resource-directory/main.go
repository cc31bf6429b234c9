// Command resource-directory serves the resource directory alone, with
// PostgreSQL, Redis and Kafka by URL.
package main

import (
	"github.com/hearthfps/hearth/pkg/app"
	resourcedirectory "github.com/hearthfps/hearth/services/resource-directory"
)

func main() { app.Main(resourcedirectory.Service()) }
