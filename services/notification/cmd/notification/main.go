// Command notification serves notification alone, with PostgreSQL, Redis, Kafka
// and intake by URL.
package main

import (
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/notification"
)

func main() { app.Main(notification.Service()) }
