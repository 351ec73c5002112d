local need(x) = if x == null then error 'x is needed' else x;
{ kind: 'A', x: need(null) }