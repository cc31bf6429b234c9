{{/*
The migration job: a hook before install and upgrade, always annotated as one, so that no release ever owns a Job it
cannot change. What it needs (its network policy) comes as a hook before it; both go when it has succeeded.
*/}}
{{- define "hearth.migrations" -}}
{{- if .Values.migrations.enabled -}}
{{- include "hearth.check" . -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "hearth.fullname" . | trunc 52 | trimSuffix "-" }}-migrations
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "hearth.labels" (list . "migrations") | nindent 4 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-5"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: {{ sub .Values.migrations.attempts 1 }}
  activeDeadlineSeconds: {{ .Values.migrations.deadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "hearth.labels" (list . "migrations") | nindent 8 }}
    spec:
      restartPolicy: Never
      {{- include "hearth.podSecurity" . | nindent 6 }}
      {{- include "hearth.pullSecrets" . | nindent 6 }}
      containers:
        - name: migrations
          image: {{ include "hearth.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args:
            - migrate
            - --database-url=file:/etc/hearth/secrets/database/url
            - --migrate-database-url=file:/etc/hearth/secrets/owner/url
          {{- include "hearth.containerSecurity" . | nindent 10 }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - {name: secrets, mountPath: /etc/hearth/secrets, readOnly: true}
            {{- include "hearth.secretFiles.mounts" . | nindent 12 }}
      volumes:
        - name: secrets
          projected:
            defaultMode: 0440
            sources:
              {{- include "hearth.secretFile" (list .Values.database.existingSecret .Values.database.key "database/url") | nindent 14 }}
              {{- include "hearth.secretFile" (list .Values.migrations.existingSecret .Values.migrations.key "owner/url") | nindent 14 }}
        {{- include "hearth.secretFiles" . | nindent 8 }}
{{- end -}}
{{- end -}}
