# Hearth. `make run` and `make test` need Go alone; scripts/setup brings the rest.
SHELL := /bin/bash
BIN   := $(CURDIR)/bin
SERVICES := intake assessment planning visit-scheduling resource-directory notification
MODULES  := api-specs pkg $(addprefix services/,$(SERVICES)) services/hearth scripts/chaos

.PHONY: generate
generate: bin/oapi-codegen ## write each service's services/X/api/gen.go from its OpenAPI file
	@for s in $(SERVICES); do \
	  [ -f api-specs/openapi/$$s.yaml ] || continue; \
	  (cd services/$$s/api && $(BIN)/oapi-codegen -config oapi.yaml ../../../api-specs/openapi/$$s.yaml) || exit 1; \
	done

bin/%: scripts/tools/go.mod
	@mkdir -p $(BIN)
	cd scripts/tools && GOWORK=off go build -o $(BIN)/$* $$(GOWORK=off go list -f '{{.ImportPath}}' tool | grep '/$*$$')
