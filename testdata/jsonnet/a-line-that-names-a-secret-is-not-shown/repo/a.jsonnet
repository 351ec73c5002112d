{
  kind: 'A',
  password: 'hunter2' + x,
}