local f(x) = f(x + 1) + 1;
{ kind: 'A', x: f(1) }