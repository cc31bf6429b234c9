{{/* A HorizontalPodAutoscaler or KEDA's ScaledObject, never both: scaling.mode says which. */}}
{{- define "hearth.scaling" -}}
{{- with .Values.scaling -}}
{{- if eq .mode "hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "hearth.metadata" $ | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "hearth.fullname" $ }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ .cpuPercent }}}
  {{- include "hearth.scaling.behavior" . | nindent 2 }}
{{- else if eq .mode "keda" -}}
{{- include "hearth.scaledobject" $ -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Out at once, in slowly: a group of consumers that changes stands still for a moment. Takes .Values.scaling. */}}
{{- define "hearth.scaling.behavior" -}}
behavior:
  scaleUp:
    stabilizationWindowSeconds: 0
    policies:
      - {type: Pods, value: 2, periodSeconds: 30}
  scaleDown:
    stabilizationWindowSeconds: {{ .scaleDownSeconds }}
    policies:
      - {type: Pods, value: 1, periodSeconds: 60}
{{- end -}}

{{- define "hearth.scaledobject" -}}
{{- $kafka := include "hearth.kafka" . | fromYaml -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "hearth.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    name: {{ include "hearth.fullname" . }}
  pollingInterval: {{ .Values.scaling.pollingSeconds }}
  minReplicaCount: {{ .Values.scaling.minReplicas }}
  maxReplicaCount: {{ .Values.scaling.maxReplicas }}
  # When the brokers cannot be asked there are as many pods as there were.
  fallback:
    failureThreshold: 4
    replicas: {{ .Values.scaling.minReplicas }}
    behavior: currentReplicas
  advanced:
    horizontalPodAutoscalerConfig:
      name: {{ include "hearth.fullname" . }}
      {{- include "hearth.scaling.behavior" .Values.scaling | nindent 6 }}
  triggers:
    - type: cpu
      metricType: Utilization
      metadata: {value: {{ .Values.scaling.cpuPercent | quote }}}
    {{- range (include "hearth.fact" (list . "hearth/consumes") | fromYaml).items }}
    - type: kafka
      metadata:
        bootstrapServers: {{ join "," $kafka.brokers | quote }}
        consumerGroup: {{ $.Chart.Name }}
        topic: {{ . }}
        lagThreshold: {{ $.Values.scaling.lagThreshold | quote }}
        offsetResetPolicy: earliest
        {{- if $kafka.tls }}
        tls: enable
        {{- end }}
        {{- with $kafka.mechanism }}
        sasl: {{ get (dict "plain" "plaintext" "scram-sha-256" "scram_sha256" "scram-sha-512" "scram_sha512") . }}
        {{- end }}
      {{- with $.Values.scaling.kedaAuthentication }}
      authenticationRef:
        name: {{ . }}
      {{- end }}
    {{- end }}
{{- end -}}

{{- define "hearth.poddisruptionbudget" -}}
{{- if .Values.pdb.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "hearth.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ .Values.pdb.maxUnavailable }}
  # A pod that is not ready holds up no drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "hearth.selector" (list . "server") | nindent 6 }}
{{- end -}}
{{- end -}}
