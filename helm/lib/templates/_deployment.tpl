{{/* Seconds from the kubelet's decision to the kill: serving on, 10 s for running requests, the drain, 5 s for telemetry, and 5 to spare. */}}
{{- define "hearth.graceSeconds" -}}
{{- with .Values.shutdown -}}
{{- add .preStopSeconds .unreadyForSeconds 10 .stopWithinSeconds 5 5 -}}
{{- end -}}
{{- end -}}

{{- define "hearth.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "hearth.metadata" . | nindent 2 }}
spec:
  {{- if eq .Values.scaling.mode "fixed" }}
  replicas: {{ .Values.scaling.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  # A new pod is ready before an old one goes: the service never has fewer than it should.
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "hearth.selector" (list . "server") | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "hearth.labels" (list . "server") | nindent 8 }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ include "hearth.config" . | sha256sum }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "hearth.serviceAccountName" . }}
      {{- include "hearth.podSecurity" . | nindent 6 }}
      {{- include "hearth.pullSecrets" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ include "hearth.graceSeconds" . }}
      {{- include "hearth.placement" . | nindent 6 }}
      containers:
        - name: {{ .Chart.Name }}
          image: {{ include "hearth.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: [serve, --config, /etc/hearth/config/config.yaml]
          {{- include "hearth.caBundle.env" . | nindent 10 }}
          {{- include "hearth.containerSecurity" . | nindent 10 }}
          ports:
            - {name: http, containerPort: 8080}
            - {name: admin, containerPort: 9090}
          {{- include "hearth.probes" . | nindent 10 }}
          {{- if .Values.shutdown.preStopSeconds }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ .Values.shutdown.preStopSeconds }}
          {{- end }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            {{- include "hearth.volumeMounts" . | nindent 12 }}
      volumes:
        {{- include "hearth.volumes" . | nindent 8 }}
{{- end -}}

{{- define "hearth.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: admin}
  {{- toYaml .Values.probes.startup | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  {{- toYaml .Values.probes.readiness | nindent 2 }}
livenessProbe:
  httpGet: {path: /livez, port: admin}
  {{- toYaml .Values.probes.liveness | nindent 2 }}
{{- end -}}

{{- define "hearth.placement" -}}
{{- with .Values.topologySpread }}{{ if .keys -}}
topologySpreadConstraints:
  {{- range .keys }}
  - topologyKey: {{ . }}
    maxSkew: {{ $.Values.topologySpread.maxSkew }}
    whenUnsatisfiable: {{ $.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "hearth.selector" (list $ "server") | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{ end }}{{ end -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $.Values $field }}
{{ $field }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- end -}}
