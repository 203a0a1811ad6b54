// Places at which a test can let a process die as if by `kill -9`, to prove that every such death is repaired.
// Without CONET_FAILPOINT in the environment a failpoint costs one comparison.
import { readFileSync } from 'node:fs'
import { ConetError } from './errors/index.ts'

type Armed = { readonly name: string; remaining: number }

const variable = 'CONET_FAILPOINT'
const declared = new Set<string>()
const setting = process.env[variable] ?? ''
/** `@/path`: what the file says at each pass, so that a process can be armed while it runs. */
const file = setting.startsWith('@') ? setting.slice(1) : undefined
const armed = file === undefined ? parseArmed(setting) : undefined

/** `name` dies at the first pass, `name:3` at the third. */
function parseArmed(value: string): Armed | undefined {
  const match = /^(?<name>.+?)(?::(?<pass>[1-9][0-9]*))?$/.exec(value)
  if (match?.groups?.name === undefined) return undefined
  return { name: match.groups.name, remaining: Number(match.groups.pass ?? 1) }
}

/**
 * Makes names known to `failpointNames`. Call it where the module is loaded, so that the list is whole before the
 * work begins. May be repeated.
 */
export function declareFailpoints(...names: readonly string[]): void {
  for (const name of names) declared.add(name)
}

/** All failpoints of the modules that are loaded, sorted: what a crash test goes through. */
export function failpointNames(): string[] {
  return [...declared].sort()
}

/**
 * Throws for a CONET_FAILPOINT that this program does not have: the crash test would wait for nothing. Call it at the
 * start, when all modules are loaded. `isOfOthers` tells names of programs to which the environment goes on.
 */
export function assertFailpointKnown(isOfOthers: (name: string) => boolean = () => false): void {
  if (armed === undefined || declared.has(armed.name) || isOfOthers(armed.name)) return
  throw new ConetError('invalidArgument', `${variable}: there is no failpoint "${armed.name}"`, {
    details: { known: failpointNames() },
    help: `Those of this program are: ${failpointNames().join(', ') || 'none'}.`,
  })
}

/**
 * Ends the process with SIGKILL, at once, if the environment says `CONET_FAILPOINT=name`, or at the n-th pass with
 * `CONET_FAILPOINT=name:n`. With `CONET_FAILPOINT=@/path` the file says the name, anew at each pass. Throws for a name
 * that was not declared, while any failpoint is armed: a crash test that goes through the declared names must not miss
 * one.
 */
export function failpoint(name: string): void {
  if (armed === undefined && file === undefined) return
  if (!declared.has(name)) throw new Error(`failpoint "${name}" was not declared`)
  if (file !== undefined && readFileSync(file, 'utf8').trim() === name) process.kill(process.pid, 'SIGKILL')
  if (armed?.name !== name) return
  armed.remaining -= 1
  if (armed.remaining === 0) process.kill(process.pid, 'SIGKILL')
}
