local d(s, n) = if n == 0 then s else d(s + s, n - 1);
{ kind: 'A', x: std.length(d('x', 60)) }