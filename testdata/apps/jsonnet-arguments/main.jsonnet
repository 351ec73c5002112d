function(name, replicas=1) {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: name, labels: { stage: std.extVar('stage') } },
  spec: {
    replicas: replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: name, image: 'registry.example/%s:1' % name }] },
    },
  },
}
