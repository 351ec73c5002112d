{
  kind: 'A',
  password: 'a' 'hunter2',
}