if std.length('') > 0 then { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
