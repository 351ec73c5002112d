local f(x) = if x < 0 then x else f(x + 1) tailstrict;
{ kind: 'A', x: f(1) }