{{/* helm test: the service's own image asks the service what a user would, as an authorised client. */}}
{{- define "hearth.test" -}}
{{- if .Values.tests.clientId -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "hearth.fullname" . | trunc 58 | trimSuffix "-" }}-test
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "hearth.labels" (list . "test") | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  restartPolicy: Never
  activeDeadlineSeconds: 120
  {{- include "hearth.podSecurity" . | nindent 2 }}
  {{- include "hearth.pullSecrets" . | nindent 2 }}
  containers:
    - name: probe
      image: {{ include "hearth.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - probe
        - --url=http://{{ include "hearth.fullname" . }}:{{ .Values.service.port }}
        - --agency={{ .Values.tests.agency }}
        {{- with get .Values.tests "source" }}
        - --source={{ . }}
        {{- end }}
        - --client-token-url={{ (include "hearth.oidc" . | fromYaml).tokenUrl }}
        - --client-id={{ .Values.tests.clientId }}
        - --client-secret=file:/etc/hearth/secrets/client/secret
      {{- include "hearth.caBundle.env" . | nindent 6 }}
      {{- include "hearth.containerSecurity" . | nindent 6 }}
      resources:
        requests: {cpu: 50m, memory: 64Mi}
        limits: {cpu: 500m, memory: 128Mi}
      volumeMounts:
        - {name: secrets, mountPath: /etc/hearth/secrets, readOnly: true}
        {{- include "hearth.caBundle.mount" . | nindent 8 }}
  volumes:
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- include "hearth.secretFile" (list .Values.tests.existingSecret .Values.tests.secretKey "client/secret") | nindent 10 }}
    {{- include "hearth.caBundle.volume" . | nindent 4 }}
{{- end -}}
{{- end -}}

{{- define "hearth.notes" -}}
{{ .Chart.Name }} {{ include "hearth.version" . }} is at http://{{ include "hearth.fullname" . }}.{{ .Release.Namespace }}:{{ .Values.service.port }}{{ index .Chart.Annotations "hearth/path" }}/
{{- if .Values.tests.clientId }}
Ask it something:  helm test {{ .Release.Name }} --namespace {{ .Release.Namespace }}
{{- end }}
{{- if eq .Values.scaling.mode "fixed" }}{{ if lt (int .Values.scaling.replicas) 2 }}
With scaling.replicas={{ .Values.scaling.replicas }} a lost node or a drain stops it for a while.
{{- end }}{{ end }}
{{ end -}}
