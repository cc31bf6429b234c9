module github.com/hearthfps/hearth/scripts/observability

go 1.26.0
