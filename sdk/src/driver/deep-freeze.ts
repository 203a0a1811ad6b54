// Makes a value that came as JSON unchangeable, with all that is in it.

/** Not by calling itself: how deep a document is, its user says. */
export function deepFreeze(value: object): void {
  const waiting = [value]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const member of Object.values(next))
      if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) waiting.push(member)
    Object.freeze(next)
  }
}
