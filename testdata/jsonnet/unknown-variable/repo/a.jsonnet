local a = 1;
{ kind: 'A', x: b }