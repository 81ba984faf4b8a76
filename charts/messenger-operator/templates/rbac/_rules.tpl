{{/*
What each role may do, one verb with its reason. docs/security.md has the same as a table; a test holds the two together.
The first group of rules of a role is what it needs wherever objects are watched: in the cluster, or in each of watchNamespaces.
*/}}

{{- define "messenger-operator.rules.controller" -}}
- apiGroups: [messenger-operator.dev]
  resources: [messengerapps, messengerpages]
  verbs:
    - get # read live before each write to Graph
    - list # fill the cache
    - watch # follow changes
    - patch # set and remove our finalizer in metadata, which has no subresource; never the spec
- apiGroups: [messenger-operator.dev]
  resources: [messengerapps/status, messengerpages/status]
  verbs:
    - patch # server-side apply of conditions and claim; no other role may do this
- apiGroups: [""]
  resources: [secrets]
  verbs:
    - get # read app secrets, verify tokens and page tokens that a manifest refers to
    - list # metadata only: learn their versions
    - watch # metadata only: use a new value within seconds
- apiGroups: [""]
  resources: [services]
  verbs:
    - list # fill the cache with backends
    - watch # follow changes
- apiGroups: [authorization.k8s.io]
  resources: [localsubjectaccessreviews]
  verbs:
    - create # learn whether the webhook and the Pages API may read the Secrets that an object refers to
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs:
    - create # record what happened to an object
    - patch # count a repeated event instead of creating another
{{- end }}

{{/* Only in the cluster. */}}
{{- define "messenger-operator.rules.controllerCluster" -}}
- apiGroups: [""]
  resources: [namespaces]
  verbs:
    - list # evaluate allowedNamespaces by labels
    - watch # revoke consent when a label is removed
{{- end }}

{{/* Only in the release's own namespace. */}}
{{- define "messenger-operator.rules.controllerOwn" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "messenger-operator.leaseName" . }}]
  verbs:
    - get # see who leads; only the Lease of this class
    - update # acquire, renew and release it; only the Lease of this class
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs:
    - create # the first leader creates the Lease; RBAC cannot limit this to a name
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs:
    - create # record LeftSubscribed for a page whose namespace is being deleted
    - patch # count a repeated event instead of creating another
{{- end }}

{{- define "messenger-operator.rules.webhook" -}}
- apiGroups: [messenger-operator.dev]
  resources: [messengerapps, messengerpages]
  verbs:
    - list # fill the cache
    - watch # route by the current state
- apiGroups: [""]
  resources: [services]
  verbs:
    - list # fill the cache with backends
    - watch # follow their ports and types
{{- end }}

{{/* In the namespaces of webhook.secretNamespaces. */}}
{{- define "messenger-operator.rules.webhookSecrets" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs:
    - get # read app secrets, verify tokens and signing secrets that a manifest refers to
    - list # metadata only: learn their versions
    - watch # metadata only: use a new value within seconds
{{- end }}

{{- define "messenger-operator.rules.pages-api" -}}
- apiGroups: [messenger-operator.dev]
  resources: [messengerapps, messengerpages]
  verbs:
    - list # fill the cache
    - watch # answer with the current state
- apiGroups: [""]
  resources: [configmaps]
  verbs:
    - get # read the bot configs that a manifest refers to
    - list # metadata only: learn their versions
    - watch # metadata only: follow changes
- apiGroups: [""]
  resources: [secrets]
  verbs:
    - get # read the page tokens that a manifest refers to
    - list # metadata only: learn their versions
    - watch # metadata only: use a new value within seconds
{{- end }}

{{/* Reviews exist in the cluster only. */}}
{{- define "messenger-operator.rules.pagesApiCluster" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs:
    - create # find out who a bot's token belongs to
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs:
    - create # find out whether that bot may read a page or its token
{{- end }}

{{/* Of the Job that frees the finalizers before helm uninstall; nothing else has them. */}}
{{- define "messenger-operator.rules.release" -}}
- apiGroups: [messenger-operator.dev]
  resources: [messengerapps, messengerpages]
  verbs:
    - get # read live before the finalizer goes
    - list # find those that have one
    - patch # remove our finalizer; never the spec
{{- if include "messenger-operator.unsubscribes" . }}
- apiGroups: [""]
  resources: [secrets]
  verbs:
    - get # read the app secrets and page tokens that a manifest refers to, to unsubscribe
{{- end }}
{{- end }}

{{/* Only in the release's own namespace. */}}
{{- define "messenger-operator.rules.releaseOwn" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "messenger-operator.leaseName" . }}]
  verbs:
    - get # see whether a controller leads; only the Lease of this class
    - update # take, renew and release it, so that no controller writes meanwhile; only the Lease of this class
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs:
    - create # hold the Lease where none ever led; RBAC cannot limit this to a name
- apiGroups: [apps]
  resources: [deployments/scale]
  resourceNames: [{{ include "messenger-operator.fullname" . }}-controller]
  verbs:
    - get # remember how many replicas there were
    - patch # stop the controller, and start it again if not everything was freed
{{- end }}

{{/*
Rules as a ClusterRole with its binding, or as a Role with its binding in each of the namespaces. A namespace that does not exist is
left out: helm would fail half-way, at an install and at every upgrade after the namespace was deleted.
Takes (dict "root" $ "component" "webhook" "values" .Values.webhook "suffix" "" "namespaces" (list) "rules" "text").
*/}}
{{- define "messenger-operator.grant" -}}
{{- $grant := . }}
{{- $name := printf "%s-%s%s" (include "messenger-operator.fullname" .root) .component .suffix }}
{{- $scopes := default (list "") .namespaces }}
{{- range $index, $namespace := $scopes }}
{{- if not (include "messenger-operator.isMissing" (dict "root" $grant.root "namespace" $namespace)) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "ClusterRole" "Role" (eq $namespace "") }}
metadata:
  name: {{ $name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "messenger-operator.componentLabels" $grant | nindent 4 }}
rules:
  {{- $grant.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "ClusterRoleBinding" "RoleBinding" (eq $namespace "") }}
metadata:
  name: {{ $name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "messenger-operator.componentLabels" $grant | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ ternary "ClusterRole" "Role" (eq $namespace "") }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "messenger-operator.serviceAccountName" $grant }}
    namespace: {{ $grant.root.Release.Namespace }}
{{- end }}
{{- end }}
{{- end }}
