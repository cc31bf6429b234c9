module github.com/hearthfps/hearth/scripts/chaos

go 1.26.0

require (
	github.com/hearthfps/hearth/pkg v0.0.0
	github.com/hearthfps/hearth/services/hearth v0.0.0
)

replace (
	github.com/hearthfps/hearth/api-specs => ../../api-specs
	github.com/hearthfps/hearth/pkg => ../../pkg
	github.com/hearthfps/hearth/services/assessment => ../../services/assessment
	github.com/hearthfps/hearth/services/hearth => ../../services/hearth
	github.com/hearthfps/hearth/services/intake => ../../services/intake
	github.com/hearthfps/hearth/services/notification => ../../services/notification
	github.com/hearthfps/hearth/services/planning => ../../services/planning
	github.com/hearthfps/hearth/services/resource-directory => ../../services/resource-directory
	github.com/hearthfps/hearth/services/visit-scheduling => ../../services/visit-scheduling
)

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/segmentio/kafka-go v0.4.51
)

require (
	cel.dev/cel-go v0.32.0 // indirect
	cel.dev/expr v0.25.2 // indirect
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.4 // indirect
	github.com/go-openapi/jsonpointer v1.0.0 // indirect
	github.com/goccy/go-yaml v1.18.0 // indirect
	github.com/hearthfps/hearth/api-specs v0.0.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/klauspost/compress v1.20.0 // indirect
	github.com/pierrec/lz4/v4 v4.1.30 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/exp v0.0.0-20250620022241-b7579e27df2b // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
