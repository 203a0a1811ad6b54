// docs/requirements.md: which tests prove which statement, read from the ids in front of the tests' names.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/repository.ts'
import { statements, unmet } from './statements.ts'

export type Proof = { readonly id: string; readonly file: string; readonly title: string }

/** One for each id of each test. */
export function findProofs(): Proof[] {
  const directory = join(repository, 'test')
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('dist/'))
    .sort()
    .flatMap((file) => proofsIn(file, readFileSync(join(directory, file), 'utf8')))
}

/** A name is a string that begins with ids: `'[C11] [C15] finds …'`. */
export function proofsIn(file: string, source: string): Proof[] {
  const names = source.matchAll(/(['"`])((?:\[[A-Z]\d+\] )+)(.*?)\1/g)
  return [...names].flatMap(([, , ids = '', title = '']) =>
    [...ids.matchAll(/[A-Z]\d+/g)].map(([id]) => ({ id, file, title })),
  )
}

/** Statements that no test proves, and that are not said to be unmet. */
export function unproven(proofs: readonly Proof[]): string[] {
  const proven = new Set(proofs.map(({ id }) => id))
  return Object.keys(statements).filter((id) => !proven.has(id) && unmet[id] === undefined)
}

/** Names of tests whose id no statement has, or one that is said to be unmet. */
export function unfounded(proofs: readonly Proof[]): string[] {
  return proofs
    .filter(({ id }) => statements[id] === undefined || unmet[id] !== undefined)
    .map(({ id, file, title }) => `${file}: [${id}] ${title}`)
}

/** Throws where it would hide a test. */
export function requirementsPage(proofs: readonly Proof[]): string {
  const without = unfounded(proofs)
  if (without.length > 0)
    throw new Error(`no statement to prove, or one that is unmet: ${without.join('; ')}`)
  const rows = Object.entries(statements).flatMap(([id, statement]) => rowsOf(id, statement, proofs))
  return `# What is required, and which test proves it

Made by \`npm run generate\` from the ids in the names of the tests.

${table([['id', 'statement', 'test', 'in'], ['-', '-', '-', '-'], ...rows])}
## Not met, or not proven

${table([['id', 'statement', 'why'], ['-', '-', '-'], ...unmetRows()])}`
}

function unmetRows(): string[][] {
  return Object.entries(unmet).map(([id, why]) => [id, statements[id] ?? '', why])
}

function rowsOf(id: string, statement: string, proofs: readonly Proof[]): string[][] {
  return proofs
    .filter((proof) => proof.id === id)
    .map(({ file, title }, n) => [
      n === 0 ? id : '',
      n === 0 ? statement : '',
      title.replaceAll('|', '\\|'),
      `\`${file}\``,
    ])
}

/** Not aligned, so that a new test changes one line. */
function table(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `| ${row.join(' | ')} |\n`).join('')
}
