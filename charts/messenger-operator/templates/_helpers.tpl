{{- define "messenger-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "messenger-operator.fullname" -}}
{{- $name := include "messenger-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "messenger-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "messenger-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: messenger-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What a role's Pods are selected by; cannot change later. Takes (dict "root" $ "component" "webhook"). */}}
{{- define "messenger-operator.selector" -}}
app.kubernetes.io/name: {{ include "messenger-operator.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of a role's objects. */}}
{{- define "messenger-operator.componentLabels" -}}
{{ include "messenger-operator.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "messenger-operator.serviceAccountName" -}}
{{- $default := printf "%s-%s" (include "messenger-operator.fullname" .root) .component }}
{{- default $default .values.serviceAccount.name }}
{{- end }}

{{- define "messenger-operator.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Not empty: the cluster has no such namespace, so that nothing can be created in it. Empty where helm renders without a cluster, and
for the namespace of the release, which --create-namespace makes later. Takes (dict "root" $ "namespace" "bots").
*/}}
{{- define "messenger-operator.isMissing" -}}
{{- if not (has .namespace (list "" "*" .root.Release.Namespace)) }}
{{- if and (lookup "v1" "Namespace" "" "kube-system") (not (lookup "v1" "Namespace" "" .namespace)) }}true{{ end }}
{{- end }}
{{- end }}

{{/* JSON list of the namespaces that the values name for Roles and that do not exist. */}}
{{- define "messenger-operator.missingNamespaces" -}}
{{- $missing := list }}
{{- $secrets := include "messenger-operator.wantedSecretNamespaces" . | fromJsonArray }}
{{- range concat $secrets .Values.watchNamespaces | uniq }}
{{- if include "messenger-operator.isMissing" (dict "root" $ "namespace" .) }}
{{- $missing = append $missing . }}
{{- end }}
{{- end }}
{{- toJson $missing }}
{{- end }}

{{/* JSON list of the namespaces whose Secrets the values let the webhook watch; ["*"] is all in reach. */}}
{{- define "messenger-operator.wantedSecretNamespaces" -}}
{{- $wanted := .Values.webhook.secretNamespaces }}
{{- if kindIs "invalid" $wanted }}
{{- $wanted = default (list .Release.Namespace) .Values.watchNamespaces }}
{{- else if and (has "*" $wanted) .Values.watchNamespaces }}
{{- $wanted = .Values.watchNamespaces }}
{{- end }}
{{- toJson $wanted }}
{{- end }}

{{/* The same without those that do not exist; the release's own where none is left, as an empty list would mean all. */}}
{{- define "messenger-operator.secretNamespaces" -}}
{{- $found := list }}
{{- range include "messenger-operator.wantedSecretNamespaces" . | fromJsonArray }}
{{- if not (include "messenger-operator.isMissing" (dict "root" $ "namespace" .)) }}
{{- $found = append $found . }}
{{- end }}
{{- end }}
{{- toJson (default (list .Release.Namespace) $found) }}
{{- end }}

{{- define "messenger-operator.pagesApiHost" -}}
{{ include "messenger-operator.fullname" . }}-pages-api.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "messenger-operator.pagesApiTlsSecret" -}}
{{- default (printf "%s-pages-api-tls" (include "messenger-operator.fullname" .)) .Values.pagesApi.tls.existingSecret }}
{{- end }}

{{/* The Lease of the class, as the operator names it. */}}
{{- define "messenger-operator.leaseName" -}}
messenger-operator{{ with .Values.className }}-{{ . }}{{ end }}
{{- end }}

{{/* Flags that all three roles take. */}}
{{- define "messenger-operator.commonArgs" -}}
- --admin-port=9090
- --log-level={{ .Values.log.level }}
- --log-format={{ .Values.log.format }}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
{{- with .Values.className }}
- --class={{ . }}
{{- end }}
{{- end }}
