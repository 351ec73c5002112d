{ kind: 'A', x: |||
  line <1>
  line & 2
||| }