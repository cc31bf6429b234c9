{{/*
Default-deny for the service's pods in both directions, and each that may talk named: who asks (hearth/asked-by), who is
asked (hearth/asks), the infrastructure, DNS. Egress to another service is to its pods' port, whatever the Service's.
*/}}
{{- define "hearth.networkpolicy" -}}
{{- if .Values.networkPolicy.enabled -}}
{{- $policy := .Values.networkPolicy -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "hearth.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "hearth.selector" (list . "server") | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports: [{port: 8080}]
      from:
        {{- range (include "hearth.fact" (list . "hearth/asked-by") | fromYaml).items }}
        - {{ include "hearth.podsOf" . | nindent 10 | trim }}
        {{- end }}
        - podSelector:
            matchLabels:
              {{- include "hearth.selector" (list . "test") | nindent 14 }}
        {{- with $policy.from }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $policy.metricsFrom }}
    - ports: [{port: 9090}]
      from:
        {{- toYaml . | nindent 8 }}
    {{- end }}
  egress:
    {{- include "hearth.egress.dns" . | nindent 4 }}
    {{- include "hearth.egress.to" (list "postgresql" .Values.database.egress) | nindent 4 }}
    {{- include "hearth.egress.to" (list "kafka" (include "hearth.kafka" . | fromYaml).egress) | nindent 4 }}
    {{- with include "hearth.redis" . | fromYaml }}{{ if .existingSecret }}
    {{- include "hearth.egress.to" (list "redis" .egress) | nindent 4 }}
    {{- end }}{{ end }}
    {{- include "hearth.egress.to" (list "oidc" (include "hearth.oidc" . | fromYaml).egress) | nindent 4 }}
    {{- with include "hearth.otlp" . | fromYaml }}{{ if .endpoint }}
    {{- include "hearth.egress.to" (list "otlp" .egress) | nindent 4 }}
    {{- end }}{{ end }}
    {{- range (include "hearth.fact" (list . "hearth/asks") | fromYaml).items }}
    # {{ . }}
    - ports: [{port: 8080}]
      to:
        - {{ include "hearth.podsOf" . | nindent 10 | trim }}
    {{- end }}
    {{- range $name, $rule := $policy.extraEgress }}
    {{- include "hearth.egress.to" (list $name $rule) | nindent 4 }}
    {{- end }}
{{- if .Values.migrations.enabled }}
---
{{ include "hearth.networkpolicy.migrations" . }}
{{- end }}
{{- if .Values.tests.clientId }}
---
{{ include "hearth.networkpolicy.test" . }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Takes (list name egress). */}}
{{- define "hearth.egress.to" -}}
{{- $egress := last . -}}
# {{ first . }}
- ports:
    {{- range $egress.ports }}
    - {port: {{ . }}}
    {{- end }}
  to:
    {{- toYaml $egress.to | nindent 4 }}
{{- end -}}

{{- define "hearth.egress.dns" -}}
{{- with .Values.networkPolicy.dns -}}
# dns
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  to:
    {{- toYaml .to | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* The migration job may reach the database, and nobody reaches it. It is there before the job, and goes with it. */}}
{{- define "hearth.networkpolicy.migrations" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "hearth.fullname" . | trunc 52 | trimSuffix "-" }}-migrations
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "hearth.labels" (list . "migrations") | nindent 4 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-10"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  podSelector:
    matchLabels:
      {{- include "hearth.selector" (list . "migrations") | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "hearth.egress.dns" . | nindent 4 }}
    {{- include "hearth.egress.to" (list "postgresql" .Values.database.egress) | nindent 4 }}
{{- end -}}

{{/* The test pod may reach the service and the token endpoint, and nobody reaches it. */}}
{{- define "hearth.networkpolicy.test" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "hearth.fullname" . | trunc 58 | trimSuffix "-" }}-test
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "hearth.labels" (list . "test") | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "hearth.selector" (list . "test") | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "hearth.egress.dns" . | nindent 4 }}
    {{- include "hearth.egress.to" (list "oidc" (include "hearth.oidc" . | fromYaml).egress) | nindent 4 }}
    - ports: [{port: 8080}]
      to:
        - podSelector:
            matchLabels:
              {{- include "hearth.selector" (list . "server") | nindent 14 }}
{{- end -}}
