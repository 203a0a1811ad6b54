import { catalogue, isErrorKind, notifications, protocolDocument, requests } from '@conet/sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import {
  examplesOf,
  methodsWithSection,
  protocolPage,
  protocolPages,
  rulesOf,
} from '../../support/protocol-page.ts'

const page = protocolPages()
const mostLines = 400

type Message = {
  id?: number
  method?: string
  params?: unknown
  result?: unknown
  error?: { code: number; data: { name: string } }
}

const ajv = new Ajv2020({ strict: false })
ajv.addSchema(protocolDocument(), 'protocol')

/** What is wrong with a value by the published schema; undefined: nothing. */
function faultsOf(definition: string, value: unknown): string | undefined {
  const validate = ajv.getSchema(`protocol#/$defs/${definition}`)
  if (validate === undefined) return `there is no schema ${definition}`
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

function definition(method: string, part: 'Params' | 'Result'): string {
  return `${method.replace(/(^|\/)([a-z])/g, (_all, _slash, letter: string) => letter.toUpperCase())}${part}`
}

function faultsOfExample(message: Message, methods: ReadonlyMap<number, string>): string | undefined {
  const { id, method, params, result, error } = message
  if (method === '$/cancelRequest') return faultsOf('CancelParams', params)
  if (method !== undefined) return faultsOf(definition(method, 'Params'), params)
  if (error !== undefined) return faultsOf('ReplyError', error) ?? faultsOfCode(error)
  const asked = id === undefined ? undefined : methods.get(id)
  return asked === undefined ? `no request has the id ${id}` : faultsOf(definition(asked, 'Result'), result)
}

function faultsOfCode({ code, data: { name } }: NonNullable<Message['error']>): string | undefined {
  return isErrorKind(name) && catalogue[name].code === code ? undefined : `${name} is not ${code}`
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'jsonrpc' in value && value.jsonrpc === '2.0'
}

describe('docs/protocol.md and the pages that go on with it', () => {
  it('have at most 400 lines for what every driver needs', () => {
    expect(protocolPage().trimEnd().split('\n').length).toBeLessThanOrEqual(mostLines)
  })

  it('have each rule under an id of its own, numbered without a gap', () => {
    const ids = rulesOf(page).map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(100)
    expect(page.match(/^- \*\*.*$/gm)?.length, 'every such line is a rule').toBe(ids.length)
    for (const area of new Set(ids.map((id) => id.replace(/-.*/, '')))) {
      const numbers = ids.filter((id) => id.startsWith(`${area}-`)).map((id) => Number(id.split('-')[1]))
      expect(numbers, area).toEqual(numbers.map((_, index) => index + 1))
    }
  })

  it('refer to no rule that they do not have', () => {
    const ids = new Set(rulesOf(page).map(({ id }) => id))
    const areas = [...new Set([...ids].map((id) => id.replace(/-.*/, '')))].join('|')
    for (const [id] of page.matchAll(new RegExp(`\\b(${areas})-[0-9]+\\b`, 'g'))) expect(ids).toContain(id)
  })

  it('have a section for each method and notification of the table', () => {
    expect(methodsWithSection(page)).toEqual(
      expect.arrayContaining([...Object.keys(requests), ...Object.keys(notifications), '$/cancelRequest']),
    )
  })

  it('[D16] show a request and a reply of each call, and each notification, as the schemas want them', () => {
    const messages = examplesOf(page).flat()
    expect(messages.filter((message) => !isMessage(message))).toEqual([])
    const shown = messages.filter(isMessage)
    const methods = new Map(shown.flatMap(({ id, method }) => (id && method ? [[id, method]] : [])))
    for (const message of shown) {
      expect(faultsOfExample(message, methods), JSON.stringify(message)).toBeUndefined()
    }
    const replies = new Set(shown.filter(({ result }) => result !== undefined).map(({ id }) => id))
    const answered = [...methods].filter(([id]) => replies.has(id)).map(([, method]) => method)
    expect(answered.sort()).toEqual(Object.keys(requests).sort())
    const told = new Set(shown.filter(({ id }) => id === undefined).map(({ method }) => method))
    expect(told).toEqual(new Set([...Object.keys(notifications), '$/cancelRequest']))
  })
})
