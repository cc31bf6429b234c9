# Hearth. `make run` and `make test` need Go and make alone; scripts/setup brings the rest.
SHELL    := /bin/bash
SERVICES := intake assessment planning visit-scheduling resource-directory notification
MODULES  := api-specs pkg $(addprefix services/,$(SERVICES)) services/hearth scripts/backup scripts/chaos scripts/kubernetes scripts/charts
DATA     ?= data
LISTEN   ?= 127.0.0.1:8080
ADMIN    ?= 127.0.0.1:9090
SEED     ?= 1
SECONDS  ?= 180
VERSION  ?= $(shell git describe --tags --always 2>/dev/null || echo 0.0.0)
REPOSITORY ?= hearth/
K8S      ?= ../shared/k8s

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: setup-run build ## run the whole suite in one process, data in ./data
	bin/hearth serve --dev --data $(DATA) --listen $(LISTEN) --admin $(ADMIN)

.PHONY: test
test: setup-test ## every test, on real parts
	scripts/test

.PHONY: build
build: ## hearth and each service, into bin/
	@mkdir -p bin
	go build -o bin/ ./services/hearth/cmd/hearth $(foreach s,$(SERVICES),./services/$(s)/cmd/$(s))

.PHONY: bench
bench: setup-test build ## measure, beside the limits of this machine, in one run
	bin/hearth bench
	scripts/bench-files

.PHONY: chaos
chaos: setup-test build ## kill everything while referrals flow, then check that nothing is lost (SEED, SECONDS)
	go run ./scripts/chaos --seed $(SEED) --seconds $(SECONDS)

.PHONY: images
images: ## an image for each service with docker or podman (VERSION, REPOSITORY)
	@engine=$$(command -v docker || command -v podman) || { echo "images: there is no docker and no podman; ko builds the same without an engine, see .ko.yaml" >&2; exit 1; }; \
	for s in $(SERVICES); do \
	  $$engine build -f deploy/docker/Dockerfile --build-arg SERVICE=$$s --build-arg VERSION=$(VERSION) \
	    --build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(git log -1 --format=%cI) -t $(REPOSITORY)$$s:$(VERSION) . || exit 1; \
	done

.PHONY: sbom
sbom: build ## bills of materials of the programs, bin/*.cdx.json
	@for s in hearth $(SERVICES); do go run ./scripts/kubernetes/sbom -version $(VERSION) bin/$$s > bin/$$s.cdx.json || exit 1; echo bin/$$s.cdx.json; done

.PHONY: e2e-kubernetes
e2e-kubernetes: setup-test ## prove the charts on a real Kubernetes, step by step (K8S: the folder of its scripts; ONLY, OLD, ARGS)
	@mkdir -p .cache/kubernetes
	go build -o .cache/kubernetes/proof ./scripts/kubernetes
	.cache/kubernetes/proof --k8s $(K8S) $(if $(ONLY),--only $(ONLY)) $(if $(OLD),--old $(OLD)) $(ARGS)

.PHONY: check
check: bin/gofumpt ## formatting, vet, generated code up to date
	@out=$$(bin/gofumpt -l $(MODULES) scripts/observability); [ -z "$$out" ] || { echo "gofumpt would change:"; echo "$$out"; exit 1; }
	go vet $(addsuffix /...,$(addprefix ./,$(MODULES)))
	cd scripts/observability && GOWORK=off go vet ./...
	$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- '*/gen.go' helm deploy/observability || { echo "generated code is not up to date: run make generate and commit"; exit 1; }

.PHONY: charts
charts: ## pack the charts, each with all it includes, into .cache/charts
	go run ./scripts/charts/pack .cache/charts

.PHONY: generate
generate: bin/oapi-codegen ## write each service's api/gen.go from its OpenAPI file, and what follows from the charts' schemas
	@for s in $(SERVICES); do \
	  (cd services/$$s/api && $(CURDIR)/bin/oapi-codegen -config oapi.yaml ../../../api-specs/openapi/$$s.yaml) || exit 1; \
	done
	cd scripts/observability && GOWORK=off go run ./generate
	go run ./scripts/charts/generate

.PHONY: setup-run setup-test
setup-run setup-test: setup-%:
	@scripts/setup $*

bin/%: scripts/tools/go.mod
	@mkdir -p bin
	cd scripts/tools && GOWORK=off go build -o $(CURDIR)/bin/$* $$(GOWORK=off go list -f '{{.ImportPath}}' tool | grep '/$*$$')
