{{/* The configuration file, as pkg/app reads it (--check-config says whether it is good). Secrets are files it names. */}}
{{- define "hearth.config" -}}
{{- include "hearth.check" . -}}
{{- $kafka := include "hearth.kafka" . | fromYaml -}}
{{- $oidc := include "hearth.oidc" . | fromYaml -}}
{{- $rules := include "hearth.rules" . | fromYaml -}}
listen: ":8080"
admin: ":9090"
database_url: file:/etc/hearth/secrets/database/url
max_conns: {{ .Values.database.maxConns }}
kafka: {{ toJson $kafka.brokers }}
{{- if or $kafka.tls $kafka.mechanism }}
kafka_security:
  tls: {{ $kafka.tls }}
  {{- if $kafka.caSecret }}
  ca_file: /etc/hearth/secrets/kafka-ca/ca.crt
  {{- end }}
  {{- if $kafka.mechanism }}
  mechanism: {{ $kafka.mechanism }}
  username: {{ $kafka.username | default .Chart.Name | quote }}
  password: file:/etc/hearth/secrets/kafka/password
  {{- end }}
{{- end }}
{{- if (include "hearth.redis" . | fromYaml).existingSecret }}
redis_url: file:/etc/hearth/secrets/redis/url
rate_limit: {per_second: {{ .Values.rateLimit.perSecond }}, burst: {{ .Values.rateLimit.burst }}}
{{- end }}
issuers:
  {{- range $oidc.issuers }}
  - {{ toJson . }}
  {{- end }}
{{- include "hearth.config.asking" . }}
{{- with coalesce .Values.homeAgency (get (.Values.global | default dict) "homeAgency") }}
home_agency: {{ . | quote }}
{{- end }}
{{- if $rules.agencies }}
rules: /etc/hearth/rules
{{- end }}
{{- with (include "hearth.otlp" . | fromYaml).endpoint }}
otlp: {{ . | quote }}
{{- end }}
trace_ratio: {{ .Values.traceRatio }}
log_level: {{ .Values.logLevel }}
unready_for: {{ .Values.shutdown.unreadyForSeconds }}s
stop_within: {{ .Values.shutdown.stopWithinSeconds }}s
{{- with .Values.settings }}
settings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ end -}}

{{/* What a service that asks others is told: where they are, and how it gets its token. */}}
{{- define "hearth.config.asking" -}}
{{- with (include "hearth.fact" (list . "hearth/asks") | fromYaml).items }}
peers:
  {{- range . }}
  {{ . }}: {{ index $.Values.peers . | default (printf "http://%s" (ternary . (printf "%s-%s" $.Release.Name .) $.Chart.IsRoot)) | quote }}
  {{- end }}
client:
  token_url: {{ (include "hearth.oidc" $ | fromYaml).tokenUrl | quote }}
  client_id: {{ $.Values.client.id | default $.Chart.Name | quote }}
  client_secret: file:/etc/hearth/secrets/client/secret
  {{- with $.Values.client.scopes }}
  scopes: {{ toJson . }}
  {{- end }}
  {{- with $.Values.client.parameters }}
  parameters: {{ toJson . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "hearth.configmap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "hearth.metadata" . | nindent 2 }}
data:
  config.yaml: |
    {{- include "hearth.config" . | nindent 4 }}
{{- end -}}
