{
  local labels(name) = { app: name },
  service(name, port):: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: name, labels: labels(name) },
    spec: { selector: labels(name), ports: [{ port: port, targetPort: 8080 }] },
  },
  deployment(name, image):: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: name, labels: labels(name) },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels(name) },
      template: {
        metadata: { labels: labels(name) },
        spec: { containers: [{ name: name, image: image }] },
      },
    },
  },
}
