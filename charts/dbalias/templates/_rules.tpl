{{- /* What the operator may do inside a namespace it serves; the same in a Role and a ClusterRole. */ -}}
{{- define "dbalias.rules" -}}
- apiGroups: [dbalias.dev]
  resources: [djangoprojects, databasealiases, databaseroutingpolicies, databaseservers]
  verbs: [get, list, watch]
- apiGroups: [dbalias.dev]
  resources: [djangoprojects/status, databasealiases/status, databaseroutingpolicies/status, databaseservers/status]
  verbs: [patch]
# For one finalizer, with provision.deletionPolicy Delete. RBAC cannot say less; the optional
# ValidatingAdmissionPolicy does.
- apiGroups: [dbalias.dev]
  resources: [databasealiases]
  verbs: [patch]
# Owner references that block deletion need this where the admission plug-in
# OwnerReferencesPermissionEnforcement is on (OpenShift). A project never has a finalizer.
- apiGroups: [dbalias.dev]
  resources: [djangoprojects/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, {{ if .Values.watchSecrets }}list, watch, {{ end }}create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Read as well: only the events of a Job say why its pod was refused.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create]
# The labels that a DatabaseServer's allowedNamespaces selects by; in a Role: this namespace's own.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
# The restart annotation of the workloads that a project lists.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, patch]
{{- end -}}
