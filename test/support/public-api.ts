// What a package exports, read from the declarations that the compiler wrote: names, and the comments that stand
// before them. Only the forms that `tsc` writes are known; anything else at the top of a file is an error.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Every exported name with its comment, which is empty where there is none. */
export type PublicApi = ReadonlyMap<string, string>

type Statement = { readonly text: string; readonly comment: string }

/** Reads a `.d.ts` and what it passes on from others. */
export function publicApiOf(path: string): PublicApi {
  const api = new Map<string, string>()
  for (const { text, comment } of statementsOf(readFileSync(path, 'utf8'))) {
    for (const [name, own] of exportsOf(text, comment, path)) {
      // A schema and its type share a name and a comment.
      api.set(name, [api.get(name) ?? '', own].join('').trim())
    }
  }
  return api
}

/** All `.d.ts` behind the entries of a package, by the entry's name. */
export function publicApiOfPackage(directory: string): Record<string, PublicApi> {
  const { exports } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const entries = Object.entries<{ types?: string }>(exports).filter(([, { types }]) => types !== undefined)
  return Object.fromEntries(
    entries.map(([name, { types = '' }]) => [name, publicApiOf(join(directory, types))]),
  )
}

/** The names behind each entry of a package, sorted. */
export function exportedNames(directory: string): Record<string, string[]> {
  const apis = Object.entries(publicApiOfPackage(directory))
  return Object.fromEntries(apis.map(([entry, api]) => [entry, [...api.keys()].sort()]))
}

function exportsOf(text: string, comment: string, path: string): Iterable<readonly [string, string]> {
  const all = /^export (?:type )?\* from '(?<from>.+)';/.exec(text)?.groups
  if (all !== undefined) return publicApiOf(resolved(path, all.from))
  const some = /^export (?:type )?\{(?<names>[^}]*)\} from '(?<from>.+)';/.exec(text)?.groups
  if (some !== undefined) return chosen(publicApiOf(resolved(path, some.from)), some.names)
  const declared =
    /^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type|enum) (\w+)/.exec(text)
  if (declared?.[1] !== undefined) return [[declared[1], comment]]
  if (text.startsWith('export') && text !== 'export {};') throw new Error(`${path}: unknown form: ${text}`)
  return []
}

function resolved(path: string, from = ''): string {
  return join(dirname(path), from.replace(/\.[jt]s$/, '.d.ts'))
}

function chosen(api: PublicApi, names = ''): [string, string][] {
  const entries = names.split(',').map((entry) => entry.trim().replace(/^type /, ''))
  return entries
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [name = '', as = name] = entry.split(' as ')
      return [as, api.get(name) ?? '']
    })
}

/** Statements begin at the start of a line, after their comment. */
function statementsOf(source: string): Statement[] {
  const pattern =
    /(?:^\/\*\*(?<comment>(?:(?!\*\/)[\s\S])*)\*\/\s*)?^(?<text>(?:export|declare|import) .*$)/gm
  return [...source.matchAll(pattern)].map(({ groups }) => ({
    text: groups?.text ?? '',
    comment: (groups?.comment ?? '').replace(/^\s*\*( |$)/gm, '').trim(),
  }))
}
