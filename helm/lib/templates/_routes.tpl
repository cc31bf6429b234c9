{{/* The service's own path from outside: an Ingress, a route of the Gateway API, or both. */}}
{{- define "hearth.ingress" -}}
{{- with .Values.ingress -}}{{- if .enabled -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "hearth.metadata" $ | nindent 2 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if .tlsSecret }}
  tls:
    - secretName: {{ .tlsSecret }}
      {{- with .host }}
      hosts: [{{ . | quote }}]
      {{- end }}
  {{- end }}
  rules:
    - http:
        paths:
          - path: {{ index $.Chart.Annotations "hearth/path" }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "hearth.fullname" $ }}
                port: {name: http}
      {{- with .host }}
      host: {{ . | quote }}
      {{- end }}
{{- end -}}{{- end -}}
{{- end -}}

{{- define "hearth.httproute" -}}
{{- with .Values.httpRoute -}}{{- if .enabled -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "hearth.metadata" $ | nindent 2 }}
spec:
  parentRefs:
    {{- toYaml .parentRefs | nindent 4 }}
  {{- with .hostnames }}
  hostnames: {{ toJson . }}
  {{- end }}
  rules:
    - matches:
        - path: {type: PathPrefix, value: {{ index $.Chart.Annotations "hearth/path" }}}
      backendRefs:
        - {name: {{ include "hearth.fullname" $ }}, port: {{ $.Values.service.port }}}
{{- end -}}{{- end -}}
{{- end -}}
