{ kind: 'A }
