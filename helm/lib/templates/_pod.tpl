{{/* What every pod of the suite has in common: Pod Security "restricted", and no token of the API server. */}}
{{- define "hearth.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "hearth.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* One key of a Secret as a file. Takes (list secret key path). */}}
{{- define "hearth.secretFile" -}}
- secret:
    name: {{ index . 0 }}
    items:
      - {key: {{ index . 1 | quote }}, path: {{ index . 2 }}}
{{- end -}}

{{/* /etc/hearth/secrets: each file under the name of what it is for. */}}
{{- define "hearth.secrets" -}}
{{- $kafka := include "hearth.kafka" . | fromYaml -}}
{{- $redis := include "hearth.redis" . | fromYaml -}}
name: secrets
projected:
  defaultMode: 0440
  sources:
    {{- include "hearth.secretFile" (list .Values.database.existingSecret .Values.database.key "database/url") | nindent 4 }}
    {{- if $redis.existingSecret }}
    {{- include "hearth.secretFile" (list $redis.existingSecret $redis.key "redis/url") | nindent 4 }}
    {{- end }}
    {{- if $kafka.mechanism }}
    {{- include "hearth.secretFile" (list $kafka.existingSecret $kafka.passwordKey "kafka/password") | nindent 4 }}
    {{- end }}
    {{- if and $kafka.tls $kafka.caSecret }}
    {{- include "hearth.secretFile" (list $kafka.caSecret "ca.crt" "kafka-ca/ca.crt") | nindent 4 }}
    {{- end }}
    {{- if index .Chart.Annotations "hearth/asks" }}
    {{- include "hearth.secretFile" (list .Values.client.existingSecret .Values.client.secretKey "client/secret") | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Whole Secrets as folders, for what settings or the database's URL name: certificates, passwords of gateways. */}}
{{- define "hearth.secretFiles" -}}
{{- range $name, $secret := .Values.secretFiles }}
- name: secret-{{ $name }}
  secret:
    secretName: {{ $secret }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- define "hearth.secretFiles.mounts" -}}
{{- range $name, $secret := .Values.secretFiles }}
- {name: secret-{{ $name }}, mountPath: /etc/hearth/files/{{ $name }}, readOnly: true}
{{- end }}
{{- end -}}

{{/* Authorities to trust beside the image's: Go reads every file of the folder. */}}
{{- define "hearth.caBundle" -}}
{{- coalesce .Values.caBundle (get (.Values.global | default dict) "caBundle") | default "" -}}
{{- end -}}

{{- define "hearth.caBundle.env" -}}
{{- if include "hearth.caBundle" . -}}
env:
  - {name: SSL_CERT_DIR, value: /etc/hearth/ca}
{{- end -}}
{{- end -}}

{{- define "hearth.caBundle.mount" -}}
{{- if include "hearth.caBundle" . }}
- {name: ca, mountPath: /etc/hearth/ca, readOnly: true}
{{- end }}
{{- end -}}

{{- define "hearth.caBundle.volume" -}}
{{- with include "hearth.caBundle" . }}
- name: ca
  configMap:
    name: {{ . }}
{{- end }}
{{- end -}}

{{/* The volumes of the service's pod, and where they are mounted. */}}
{{- define "hearth.volumes" -}}
- name: config
  configMap:
    name: {{ include "hearth.fullname" . }}
- {{ include "hearth.secrets" . | nindent 2 | trim }}
{{- include "hearth.secretFiles" . }}
{{- include "hearth.caBundle.volume" . }}
{{- $rules := include "hearth.rules" . | fromYaml }}
{{- if $rules.agencies }}
{{- range $kind := list "agencies" "calendars" "programs" }}
- name: rules-{{ $kind }}
  configMap:
    name: {{ index $rules $kind }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "hearth.volumeMounts" -}}
- {name: config, mountPath: /etc/hearth/config, readOnly: true}
- {name: secrets, mountPath: /etc/hearth/secrets, readOnly: true}
{{- include "hearth.secretFiles.mounts" . }}
{{- include "hearth.caBundle.mount" . }}
{{- if (include "hearth.rules" . | fromYaml).agencies }}
{{- range list "agencies" "calendars" "programs" }}
- {name: rules-{{ . }}, mountPath: /etc/hearth/rules/{{ . }}, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}
