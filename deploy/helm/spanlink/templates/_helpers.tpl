{{- define "spanlink.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "spanlink.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "spanlink.labels" -}}
{{ include "spanlink.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "spanlink.serviceAccountName" -}}
{{- default (ternary (include "spanlink.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "spanlink.authSecret" -}}
{{- default (printf "%s-tokens" (include "spanlink.fullname" .)) .Values.auth.existingSecret -}}
{{- end -}}

{{- /* "true" for a StatefulSet with a volume, "" for a Deployment. */ -}}
{{- define "spanlink.isPersistent" -}}
{{- if kindIs "bool" .Values.persistence.enabled -}}
{{- if .Values.persistence.enabled -}}true{{- end -}}
{{- else if not .Values.store.url -}}true{{- end -}}
{{- end -}}

{{- /* Values that cannot go together: one clear line instead of a pod that does not start. */ -}}
{{- define "spanlink.validate" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.store.url) -}}
{{- fail "replicas > 1 needs store.url: the embedded ClickHouse is in one pod" -}}
{{- end -}}
{{- if and (not .Values.store.url) (not (include "spanlink.isPersistent" .)) -}}
{{- fail "persistence.enabled=false needs store.url: the embedded ClickHouse would lose its data with the pod" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.enabled needs ingress.host" -}}
{{- end -}}
{{- if and .Values.oidc.issuer (not (and .Values.oidc.clientId .Values.oidc.roles)) -}}
{{- fail "oidc.issuer needs oidc.clientId and oidc.roles" -}}
{{- end -}}
{{- if and (not .Values.auth.enabled) .Values.oidc.issuer -}}
{{- fail "oidc.issuer needs auth.enabled" -}}
{{- end -}}
{{- end -}}

{{- define "spanlink.allowedHosts" -}}
{{- $name := include "spanlink.fullname" . -}}
{{- $hosts := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) -}}
{{- if .Values.ingress.enabled -}}{{- $hosts = append $hosts .Values.ingress.host -}}{{- end -}}
{{- concat $hosts .Values.allowedHosts | uniq | join "," -}}
{{- end -}}

{{- define "spanlink.args" -}}
- serve
- --host=0.0.0.0
- --data=/data
- --log-format=json
- --log-level={{ .Values.logLevel }}
- --max-memory={{ .Values.maxMemory }}
- --allowed-hosts={{ include "spanlink.allowedHosts" . }}
{{- if ne .Values.basePath "/" }}
- --base-path={{ .Values.basePath }}
{{- end }}
{{- with .Values.trustedProxies }}
- --trusted-proxies={{ join "," . }}
{{- end }}
{{- with .Values.retention }}
- --retention={{ . }}
{{- end }}
{{- with .Values.maxDisk }}
- --max-disk={{ . }}
{{- end }}
{{- with .Values.store.url }}
- --store={{ . }}
{{- end }}
{{- if .Values.store.passwordSecret.name }}
- --store-password-file=/secrets/store/{{ .Values.store.passwordSecret.key }}
{{- end }}
{{- if .Values.auth.enabled }}
- --tokens=/secrets/tokens/tokens.json
{{- else }}
- --insecure-no-auth
{{- end }}
{{- if .Values.tls.secretName }}
- --tls-cert=/secrets/tls/tls.crt
- --tls-key=/secrets/tls/tls.key
{{- end }}
{{- if .Values.oidc.issuer }}
- --oidc-issuer={{ .Values.oidc.issuer }}
- --oidc-client-id={{ .Values.oidc.clientId }}
- --oidc-roles={{ .Values.oidc.roles }}
{{- if .Values.oidc.clientSecret.name }}
- --oidc-client-secret-file=/secrets/oidc/{{ .Values.oidc.clientSecret.key }}
{{- end }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "spanlink.probe" -}}
httpGet:
  path: {{ trimSuffix "/" .Values.basePath }}/api/ready
  port: http
  {{- if .Values.tls.secretName }}
  scheme: HTTPS
  {{- end }}
{{- end -}}

{{- define "spanlink.podTemplate" -}}
metadata:
  labels:
    {{- include "spanlink.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "spanlink.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: spanlink
      image: "{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- include "spanlink.args" . | nindent 8 }}
      {{- with .Values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: 4319
        - name: otlp-http
          containerPort: 4318
        - name: otlp-grpc
          containerPort: 4317
      # A start after a crash first inserts the journal: up to 5 minutes.
      startupProbe:
        {{- include "spanlink.probe" . | nindent 8 }}
        periodSeconds: 2
        failureThreshold: 150
      readinessProbe:
        {{- include "spanlink.probe" . | nindent 8 }}
        periodSeconds: 5
        timeoutSeconds: 3
      # Only whether the process accepts connections: while ClickHouse is away, the journal takes data.
      livenessProbe:
        tcpSocket:
          port: otlp-http
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        - name: data
          mountPath: /data
        - name: tmp
          mountPath: /tmp
        {{- if .Values.auth.enabled }}
        - name: tokens
          mountPath: /secrets/tokens
          readOnly: true
        {{- end }}
        {{- if .Values.tls.secretName }}
        - name: tls
          mountPath: /secrets/tls
          readOnly: true
        {{- end }}
        {{- if .Values.store.passwordSecret.name }}
        - name: store
          mountPath: /secrets/store
          readOnly: true
        {{- end }}
        {{- if and .Values.oidc.issuer .Values.oidc.clientSecret.name }}
        - name: oidc
          mountPath: /secrets/oidc
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if not (include "spanlink.isPersistent" .) }}
    # The journal: rows that are acknowledged and not in ClickHouse yet. It survives a restart of the container.
    - name: data
      emptyDir:
        sizeLimit: 4Gi
    {{- end }}
    {{- if .Values.auth.enabled }}
    - name: tokens
      secret:
        secretName: {{ include "spanlink.authSecret" . }}
        items:
          - key: tokens.json
            path: tokens.json
    {{- end }}
    {{- if .Values.tls.secretName }}
    - name: tls
      secret:
        secretName: {{ .Values.tls.secretName }}
    {{- end }}
    {{- if .Values.store.passwordSecret.name }}
    - name: store
      secret:
        secretName: {{ .Values.store.passwordSecret.name }}
    {{- end }}
    {{- if and .Values.oidc.issuer .Values.oidc.clientSecret.name }}
    - name: oidc
      secret:
        secretName: {{ .Values.oidc.clientSecret.name }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
