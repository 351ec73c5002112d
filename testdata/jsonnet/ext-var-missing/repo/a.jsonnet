{
  kind: 'A',
  e: std.extVar('nope'),
}