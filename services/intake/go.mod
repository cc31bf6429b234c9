module github.com/hearthfps/hearth/services/intake

go 1.26.0

require github.com/hearthfps/hearth/pkg v0.0.0

replace (
	github.com/hearthfps/hearth/api-specs => ../../api-specs
	github.com/hearthfps/hearth/pkg => ../../pkg
)

require (
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3
	github.com/gorilla/mux v1.8.1
	github.com/oapi-codegen/runtime v1.6.0
	golang.org/x/text v0.42.0
)

require (
	github.com/apapsch/go-jsonmerge/v2 v2.0.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
)
