module github.com/hearthfps/hearth/scripts/charts

go 1.26.0

require (
	github.com/goccy/go-yaml v1.18.0
	github.com/google/go-cmp v0.7.0
)
