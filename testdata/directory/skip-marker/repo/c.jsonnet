// +argocd:skip-file-rendering
error "no"