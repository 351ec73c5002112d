{
  kind: 'A',
  x: importstr '/etc/passwd',
}