{{/*
A block of values that the umbrella can give to all: the chart's own when its deciding value is set, else global's over
the chart's defaults. Takes (list . "kafka" "brokers").
*/}}
{{- define "hearth.block" -}}
{{- $ := index . 0 -}}{{- $block := index . 1 -}}{{- $deciding := index . 2 -}}
{{- $own := index $.Values $block -}}
{{- $global := index ($.Values.global | default dict) $block | default dict -}}
{{- ternary (mergeOverwrite (deepCopy $own) $global) $own (empty (index $own $deciding)) | toYaml -}}
{{- end -}}

{{/* With a login of its own, whoever's brokers they are: each service may do its own things with topics alone. */}}
{{- define "hearth.kafka" -}}
{{- $kafka := include "hearth.block" (list . "kafka" "brokers") | fromYaml -}}
{{- if .Values.kafka.existingSecret -}}
{{- $kafka = mergeOverwrite $kafka (pick .Values.kafka "username" "existingSecret" "passwordKey") -}}
{{- end -}}
{{- toYaml $kafka -}}
{{- end -}}

{{- define "hearth.redis" -}}{{- include "hearth.block" (list . "redis" "existingSecret") -}}{{- end -}}
{{- define "hearth.oidc" -}}{{- include "hearth.block" (list . "oidc" "issuers") -}}{{- end -}}
{{- define "hearth.otlp" -}}{{- include "hearth.block" (list . "otlp" "endpoint") -}}{{- end -}}
{{- define "hearth.rules" -}}{{- include "hearth.block" (list . "rules" "agencies") -}}{{- end -}}

{{/* One image reference; by digest when there is one. */}}
{{- define "hearth.version" -}}
{{- $global := dig "image" dict (.Values.global | default dict) -}}
{{- coalesce (get (index .Values "image" | default dict) "tag") (get $global "tag") .Chart.AppVersion -}}
{{- end -}}

{{- define "hearth.image" -}}
{{- $global := dig "image" dict (.Values.global | default dict) -}}
{{- $registry := coalesce .Values.image.registry (get $global "registry") -}}
{{- $name := ternary (printf "%s/%s" (trimSuffix "/" (default "" $registry)) .Values.image.repository) .Values.image.repository (not (empty $registry)) -}}
{{- $digest := .Values.image.digest -}}
{{- ternary (printf "%s@%s" $name $digest) (printf "%s:%s" $name (include "hearth.version" .)) (not (empty $digest)) -}}
{{- end -}}

{{- define "hearth.pullSecrets" -}}
{{- $global := dig "image" dict (.Values.global | default dict) -}}
{{- with coalesce .Values.image.pullSecrets (get $global "pullSecrets") -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Says which value is missing, instead of installing what cannot start. */}}
{{- define "hearth.check" -}}
{{- if not (include "hearth.kafka" . | fromYaml).brokers }}{{ fail "kafka.brokers is empty: name at least one broker, host:port, here or in global.kafka" }}{{ end -}}
{{- if not (include "hearth.oidc" . | fromYaml).issuers }}{{ fail "oidc.issuers is empty: without an issuer nobody can ask anything; name one here or in global.oidc" }}{{ end -}}
{{- if not .Values.database.existingSecret }}{{ fail "database.existingSecret is empty: name the Secret with the URL of the role the service works as" }}{{ end -}}
{{- if and .Values.migrations.enabled (not .Values.migrations.existingSecret) }}{{ fail "migrations.existingSecret is empty: name the Secret with the URL of the tables' owner, or set migrations.enabled=false" }}{{ end -}}
{{- with .Values.scaling }}{{ if gt (int .minReplicas) (int .maxReplicas) }}{{ fail (printf "scaling.minReplicas is %v, more than scaling.maxReplicas, %v" .minReplicas .maxReplicas) }}{{ end }}{{ end -}}
{{- if and (index .Chart.Annotations "hearth/asks") (not .Values.client.existingSecret) }}{{ fail "client.existingSecret is empty: name the Secret with the client secret that this service asks other services with" }}{{ end -}}
{{- if and (index .Chart.Annotations "hearth/asks") (not (include "hearth.oidc" . | fromYaml).tokenUrl) }}{{ fail "oidc.tokenUrl is empty: this service asks others, and gets its token there" }}{{ end -}}
{{- $rules := include "hearth.rules" . | fromYaml -}}
{{- $named := compact (list $rules.agencies $rules.calendars $rules.programs) -}}
{{- if and $named (ne (len $named) 3) }}{{ fail "rules: agencies, calendars and programs are given together or not at all" }}{{ end -}}
{{- $kafka := include "hearth.kafka" . | fromYaml -}}
{{- if and $kafka.mechanism (not $kafka.existingSecret) }}{{ fail "kafka.existingSecret is empty: kafka.mechanism needs a password" }}{{ end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}{{ fail "httpRoute.parentRefs is empty: name the gateway the route hangs from" }}{{ end -}}
{{- if and .Values.tests.clientId (not .Values.tests.existingSecret) }}{{ fail "tests.existingSecret is empty: tests.clientId needs its secret" }}{{ end -}}
{{- if and .Values.tests.clientId (not (include "hearth.oidc" . | fromYaml).tokenUrl) }}{{ fail "oidc.tokenUrl is empty: helm test gets its token there" }}{{ end -}}
{{- end -}}
