{
  kind: 'A',
  x: [1, 2,
}