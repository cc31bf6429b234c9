{{/* For the Prometheus operator and Grafana's sidecar. Rules and dashboards are files/, which make generate copies from deploy/observability. */}}
{{- define "hearth.servicemonitor" -}}
{{- with .Values.serviceMonitor -}}{{- if .enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "hearth.metadata" $ | nindent 2 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  jobLabel: app.kubernetes.io/name
  selector:
    matchLabels:
      {{- include "hearth.selector" (list $ "server") | nindent 6 }}
  endpoints:
    - port: admin
      path: /metrics
      interval: {{ .interval }}
      # The metrics say which service they are of, and rules go by that; not by the name of the Service.
      honorLabels: true
{{- end -}}{{- end -}}
{{- end -}}

{{- define "hearth.prometheusrule" -}}
{{- with .Values.prometheusRule -}}{{- if .enabled -}}
{{- with $.Files.Get "files/rules.yaml" -}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "hearth.metadata" $ | nindent 2 }}
    {{- with $.Values.prometheusRule.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- . | nindent 2 }}
{{- end -}}
{{- end -}}{{- end -}}
{{- end -}}

{{- define "hearth.dashboards" -}}
{{- if and .Values.dashboard.enabled (.Files.Glob "files/dashboards/*.json") -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "hearth.fullname" . | trunc 52 | trimSuffix "-" }}-dashboards
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "hearth.labels" (list . "dashboards") | nindent 4 }}
    {{- with .Values.dashboard.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.dashboard.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
data:
  {{- (.Files.Glob "files/dashboards/*.json").AsConfig | nindent 2 }}
{{- end -}}
{{- end -}}
