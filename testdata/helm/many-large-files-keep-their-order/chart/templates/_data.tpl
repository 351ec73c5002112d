{{- define "data" }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name }}
data:
  {{- range $i := until 180 }}
  key-{{ $i }}: {{ printf "%s, line %d of a text that fills the file" $.name $i | quote }}
  {{- end }}
{{- end }}
