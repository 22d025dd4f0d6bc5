{{- define "dbalias.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "dbalias.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "dbalias.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Cluster-scoped names carry the namespace, so that two releases of one name can live. */ -}}
{{- define "dbalias.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "dbalias.fullname" .) -}}
{{- end -}}

{{- define "dbalias.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "dbalias.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* Written on database servers: whoever installs again under this name finds its own there. */ -}}
{{- define "dbalias.installation" -}}
{{- default (printf "%s/%s" .Release.Namespace .Release.Name) .Values.installation -}}
{{- end -}}

{{- define "dbalias.selectorLabels" -}}
app.kubernetes.io/name: {{ include "dbalias.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dbalias.labels" -}}
{{ include "dbalias.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "dbalias.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}
