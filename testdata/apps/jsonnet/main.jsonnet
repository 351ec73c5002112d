local web = import 'lib/web.libsonnet';

[
  web.service('web', 80),
  web.deployment('web', 'registry.example/web:' + importstr 'version.txt') { spec+: { replicas: 3 } },
]
