{{- define "hearth.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "hearth.metadata" . | nindent 2 }}
  {{- with .Values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  selector:
    {{- include "hearth.selector" (list . "server") | nindent 4 }}
  ports:
    - {name: http, port: {{ .Values.service.port }}, targetPort: http, appProtocol: http}
    - {name: admin, port: 9090, targetPort: admin, appProtocol: http}
{{- end -}}

{{- define "hearth.serviceaccount" -}}
{{- if .Values.serviceAccount.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "hearth.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "hearth.labels" (list . "server") | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}
