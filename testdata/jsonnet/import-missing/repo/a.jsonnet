{
  kind: 'A',
  x: import 'nope.libsonnet',
}