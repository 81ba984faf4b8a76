{{/* Not empty: the Job takes the Pages off Graph. An install that changes nothing there does not either at its end. */}}
{{- define "messenger-operator.unsubscribes" -}}
{{- if and .Values.uninstall.unsubscribe (not .Values.controller.readOnly) }}true{{ end }}
{{- end }}

{{/* Flags of the command in the Job. */}}
{{- define "messenger-operator.releaseArgs" -}}
- release
- --all
- --stop-controller={{ include "messenger-operator.fullname" . }}-controller
- --controller-replicas={{ .Values.controller.replicas }}
- --lease-namespace={{ .Release.Namespace }}
# A part of the Job's time is for pulling the image and for starting.
- --timeout={{ max 30 (sub (int .Values.uninstall.timeoutSeconds) 60) }}s
- --log-level={{ .Values.log.level }}
- --log-format={{ .Values.log.format }}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
{{- with .Values.className }}
- --class={{ . }}
{{- end }}
{{- if include "messenger-operator.unsubscribes" . }}
- --unsubscribe
- --graph-url={{ .Values.graph.url }}
- --graph-version={{ .Values.graph.version }}
{{- end }}
{{- end }}
