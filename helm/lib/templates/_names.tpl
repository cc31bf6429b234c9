{{/* Names and labels. A define takes the chart's own context (.) unless it says otherwise. */}}

{{- define "hearth.name" -}}
{{- default .Chart.Name .Values.nameOverride -}}
{{- end -}}

{{/* The name of every object: the release's, with the chart's when it does not say it already. */}}
{{- define "hearth.fullname" -}}
{{- $name := include "hearth.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Takes (list . component): server, migrations or test. Pods of other components are behind no Service. */}}
{{- define "hearth.selector" -}}
{{- $ := first . -}}
app.kubernetes.io/name: {{ include "hearth.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{- define "hearth.labels" -}}
{{- $ := first . -}}
{{ include "hearth.selector" . }}
app.kubernetes.io/part-of: hearth
app.kubernetes.io/version: {{ include "hearth.version" $ | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "hearth.metadata" -}}
name: {{ include "hearth.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "hearth.labels" (list . "server") | nindent 2 }}
{{- end -}}

{{/* The pods of another service of the suite, in this namespace. Takes its name. */}}
{{- define "hearth.podsOf" -}}
podSelector:
  matchLabels:
    app.kubernetes.io/name: {{ . }}
    app.kubernetes.io/part-of: hearth
    app.kubernetes.io/component: server
{{- end -}}

{{- define "hearth.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "hearth.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* A list in an annotation of Chart.yaml, as {items: [...]}. Takes (list . "hearth/asks"). */}}
{{- define "hearth.fact" -}}
{{- $said := index (first .).Chart.Annotations (last .) | default "" -}}
items: {{ ternary (splitList "," $said) (list) (ne $said "") | toJson }}
{{- end -}}
